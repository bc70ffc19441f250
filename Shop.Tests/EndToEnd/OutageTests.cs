using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Shop.Contracts.Commands;
using Shop.Local.Supervision;

namespace Shop.Tests.EndToEnd;

/// <summary>A whole shop, each part a process of its own; nobody touches a service while others go and come back.</summary>
public sealed class OutageTests(OutageTests.RunningShop running) : IClassFixture<OutageTests.RunningShop>, IAsyncLifetime
{
    private readonly HttpClient commands = new() { BaseAddress = new Uri(running.Shop.CommandsUrl) };
    private readonly HttpClient queries = new() { BaseAddress = new Uri(running.Shop.QueriesUrl) };
    private readonly string customer = $"C{Guid.CreateVersion7():N}";
    private int nextOrder;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private LocalShop Shop => running.Shop;

    /// <summary>One shop for all cases: each must leave it as good as it found it.</summary>
    public sealed class RunningShop : IAsyncLifetime
    {
        public LocalShop Shop { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Shop = await LocalShop.StartAsync(
            new LocalShopOptions { Ephemeral = true, PortBase = ShopPorts.Free().Base }, TestContext.Current.CancellationToken);

        public ValueTask DisposeAsync() => Shop.DisposeAsync();
    }

    public async ValueTask InitializeAsync()
    {
        await PlaceAsync(new RegisterCustomer(customer, "Customer"));
        await PlaceAsync(new AddProduct("P", "Product", 2.50m));
    }

    [Theory]
    [InlineData(Part.Broker)]
    [InlineData(Part.Store)]
    [InlineData(Part.Projector)]
    public async Task Orders_placed_while_a_part_is_away_appear_when_it_is_back(Part part)
    {
        await PlaceOrdersAsync(20);
        await Shop.StopAsync(part);
        await PlaceOrdersAsync(100);
        await Shop.StartAsync(part, Cancellation);
        await PlaceOrdersAsync(20);
        await AssertAllVisibleAsync();
    }

    [Theory]
    [InlineData(Part.Broker)]
    [InlineData(Part.Store)]
    [InlineData(Part.Projector)]
    [InlineData(Part.Commands)]
    [InlineData(Part.Postgres)]
    public async Task A_part_killed_under_load_is_restarted_and_no_acknowledged_order_is_lost(Part part)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var placing = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => PlaceUntilAsync(enough.Token)));
        var restarts = Shop.Statuses.Single(status => status.Part == part).Restarts;
        for (var kill = 1; kill <= 2; kill++)
        {
            var before = Volatile.Read(ref nextOrder);
            await Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref nextOrder) > before + 50), "orders are placed", Cancellation, TimeSpan.FromSeconds(60));
            await Shop.KillAsync(part);
            await Shop.WaitUntilAsync(part, status => status.Restarts >= restarts + kill && status.State is PartState.Healthy or PartState.Degraded, Cancellation);
        }

        await enough.CancelAsync();
        await placing;
        await AssertAllVisibleAsync();
    }

    private async Task PlaceUntilAsync(CancellationToken enough)
    {
        while (!enough.IsCancellationRequested) await PlaceOrdersAsync(1);
    }

    private async Task PlaceOrdersAsync(int count)
    {
        for (var placed = 0; placed < count; placed++)
            await PlaceAsync(new PlaceOrder($"{customer}-{Interlocked.Increment(ref nextOrder)}", customer, [new("P", 2, 2.50m)]));
    }

    /// <summary>Sends a command until it is acknowledged, as a client with retries would.</summary>
    private Task PlaceAsync(Command command) => Eventually.TrueAsync(async () =>
    {
        try
        {
            using var response = await commands.PostAsJsonAsync("/commands", command, CommandJson.Default.Command, Cancellation);
            if (response.StatusCode is HttpStatusCode.ServiceUnavailable) return false;
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancellation));
            return true;
        }
        catch (HttpRequestException)
        {
            // The write side itself is being restarted; the retry carries the same content and has one effect.
            return false;
        }
    }, $"{command} is acknowledged", Cancellation, TimeSpan.FromSeconds(60));

    private async Task AssertAllVisibleAsync()
    {
        await Eventually.TrueAsync(async () =>
        {
            if (await TryGetAsync($"/customers/{customer}") is not { } summary) return false;
            return summary.GetProperty("orders").GetInt32() == nextOrder && summary.GetProperty("totalSpent").GetDecimal() == nextOrder * 5.00m;
        }, $"the summary counts each of {nextOrder} orders once", Cancellation, TimeSpan.FromSeconds(60));

        HashSet<string> visible = [];
        for (var next = $"/customers/{customer}/orders?limit=100"; next is not null;)
        {
            var page = await TryGetAsync(next);
            Assert.NotNull(page);
            visible.UnionWith(page.Value.GetProperty("orders").EnumerateArray().Select(order => order.GetProperty("_id").GetString()!));
            next = page.Value.TryGetProperty("next", out var cursor) ? $"/customers/{customer}/orders?limit=100&cursor={cursor.GetString()}" : null;
        }

        Assert.Equal(Enumerable.Range(1, nextOrder).Select(order => $"{customer}-{order}").ToHashSet(), visible);
    }

    /// <summary>The answer, or nothing while queries, store or the customer are not there.</summary>
    private async Task<JsonElement?> TryGetAsync(string path)
    {
        try
        {
            using var response = await queries.GetAsync(path, Cancellation);
            return response.StatusCode == HttpStatusCode.OK ? await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation) : null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public ValueTask DisposeAsync()
    {
        commands.Dispose();
        queries.Dispose();
        return ValueTask.CompletedTask;
    }
}
