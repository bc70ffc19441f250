using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using Shop.Bench.Parts;
using Shop.Contracts.Commands;
using Shop.Local.Supervision;

namespace Shop.Tests.EndToEnd;

/// <summary>One shop and one browser for every test of the page: each leaves the shop as good as it found it, and uses a customer of its own to write.</summary>
public sealed class DashboardShop : IAsyncLifetime
{
    public const string Reader = "READER";
    public const int ReadersOrders = 65;
    public static readonly DateTimeOffset FirstOrder = new(2023, 9, 1, 10, 0, 0, TimeSpan.Zero);

    private Chromium? chromium;
    private HttpClient http = null!;

    public LocalShop Shop { get; private set; } = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (!Chromium.IsInstalled) return;
        var starting = Chromium.StartAsync();
        Shop = await LocalShop.StartAsync(new LocalShopOptions { Ephemeral = true, PortBase = 0, Fsync = false }, Cancellation);
        chromium = await starting;
        // A busy machine may need longer than the two seconds that a query waits by itself.
        http = new HttpClient { DefaultRequestHeaders = { { "Prefer", "wait=30" } } };
        Assertions.SetDefaultExpectTimeout((float)Eventually.Deadline.TotalMilliseconds);
        Command[] reader =
        [
            new RegisterCustomer(Reader, "Renée Readwell"), new AddProduct("WIDGET", "Widget, red", 10.50m), new AddProduct("GADGET", "Gadget", 25m),
            .. Enumerable.Range(1, ReadersOrders).Select(i => new PlaceOrder($"R{i:00}", Reader, [new("WIDGET", i, 10.50m), new("GADGET", 1, 25m)]) { Timestamp = FirstOrder.AddDays(i) }),
            .. Enumerable.Range(1, 10).Select(i => new PayOrder($"R{i:00}") { Timestamp = FirstOrder.AddDays(i + 1) }),
        ];
        await SendAsync(reader);
    }

    /// <summary>One after the other, all of them done.</summary>
    public async Task SendAsync(params Command[] commands)
    {
        var lines = string.Concat(commands.Select(command => JsonSerializer.Serialize(command, CommandJson.Default.Command) + "\n"));
        using var body = new StringContent(lines, Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson"));
        using var answer = await http.PostAsync(new Uri(Shop.CommandsUrl + "/commands/batch"), body, Cancellation);
        var results = (await answer.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(commands.Length, results.Length);
        Assert.All(results, result => Assert.InRange(JsonDocument.Parse(result).RootElement.GetProperty("status").GetInt32(), 200, 201));
        // The last order is there for whoever looks now.
        if (commands.OfType<PlaceOrder>().LastOrDefault() is { OrderId: var id })
            await http.GetFromJsonAsync<JsonElement>(new Uri($"{Shop.QueriesUrl}/orders/{id}?seen=order/{id}:1"), Cancellation);
    }

    /// <summary>A customer without orders who has just arrived in the read model.</summary>
    public async Task<string> NewCustomerAsync(string name)
    {
        var id = $"C{Guid.CreateVersion7():N}";
        await SendAsync(new RegisterCustomer(id, name));
        await http.GetFromJsonAsync<JsonElement>(new Uri($"{Shop.QueriesUrl}/customers/{id}?seen=customer/{id}:1"), Cancellation);
        return id;
    }

    public Task<JsonElement> QueryAsync(string path) => http.GetFromJsonAsync<JsonElement>(new Uri(Shop.QueriesUrl + path), Cancellation);

    /// <summary>Skips where there is no browser.</summary>
    public async Task<OpenPage> OpenAsync(string path = "/", int width = 1360, int height = 900, ColorScheme scheme = ColorScheme.Light, string locale = "de-DE", bool quiet = true)
    {
        Assert.SkipUnless(Chromium.IsInstalled, Chromium.Missing);
        var context = await chromium!.Browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme, Locale = locale, TimezoneId = "Europe/Berlin", ReducedMotion = quiet ? ReducedMotion.Reduce : null,
        });
        context.SetDefaultTimeout((float)Eventually.Deadline.TotalMilliseconds);
        var page = new OpenPage(await context.NewPageAsync(), Shop.QueriesUrl);
        await page.Page.GotoAsync(Shop.QueriesUrl + path);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        http?.Dispose();
        if (chromium is not null) await chromium.DisposeAsync();
        if (Shop is not null) await Shop.DisposeAsync();
    }
}

/// <summary>A page, and whatever it should not do.</summary>
public sealed class OpenPage : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> faults = new();

    public OpenPage(IPage page, string origin)
    {
        Page = page;
        page.PageError += (_, error) => faults.Enqueue($"script error: {error}");
        // What a service that is away leaves in the console is the browser's own line; a policy that was broken is the page's fault.
        page.Console += (_, message) => { if (message.Text.Contains("Security Policy", StringComparison.Ordinal) || message.Text.Contains("Trusted", StringComparison.Ordinal)) faults.Enqueue(message.Text); };
        page.Request += (_, request) => { if (!request.Url.StartsWith(origin + "/", StringComparison.Ordinal)) faults.Enqueue($"asked of another host: {request.Url}"); };
    }

    public IPage Page { get; }

    public ILocator Orders => Page.GetByRole(AriaRole.Article);

    public ILocator Order(string id) => Page.GetByRole(AriaRole.Article, new() { Name = $"Order {id}" });

    public ILocator Moment(string title) => Page.Locator("#moments > li", new() { HasText = title });

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    /// <summary>Types, and takes what is suggested first.</summary>
    public async Task ChooseProductAsync(string typed, int line = 1)
    {
        await Page.GetByLabel($"Product, line {line.ToString(CultureInfo.InvariantCulture)}").FillAsync(typed);
        await Page.GetByRole(AriaRole.Option).Filter(new() { HasText = typed }).First.ClickAsync();
    }

    public ValueTask DisposeAsync()
    {
        Assert.Equal([], faults);
        return new(Page.Context.CloseAsync());
    }
}
