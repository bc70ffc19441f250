using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Shop.Contracts.Commands;
using Shop.Local.Supervision;
using static Microsoft.Playwright.Assertions;

namespace Shop.Tests.EndToEnd;

/// <summary>The page at <c>/</c> in a real browser, over a whole shop.</summary>
public sealed partial class DashboardTests(DashboardShop shop) : IClassFixture<DashboardShop>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_customer_is_found_while_typing_and_the_history_is_scrolled_and_filtered_in_the_reader_s_locale()
    {
        await using var open = await shop.OpenAsync();
        var page = open.Page;
        // By keyboard alone.
        await page.GetByLabel("Customer", new() { Exact = true }).FocusAsync();
        await page.Keyboard.TypeAsync("readw");
        await Expect(page.GetByRole(AriaRole.Option).First).ToContainTextAsync("Renée Readwell");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = "Renée Readwell" })).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync(CustomerAddress());

        // 65 orders of i widgets and a gadget: 10.50 x 2145 + 65 x 25.00. Numbers and days as in Germany, the day where the reader is.
        await Expect(page.Locator("#sum-orders")).ToHaveTextAsync("65");
        await Expect(page.Locator("#sum-spent")).ToHaveTextAsync("24.147,50");
        await Expect(page.Locator("#sum-last")).ToHaveTextAsync("05.11.2023");
        await Expect(open.Orders.First).ToContainTextAsync("R65");
        await Expect(open.Orders.First).ToContainTextAsync("05.11.2023, 11:00");
        await Expect(open.Orders.First).ToContainTextAsync("65 ×");
        await Expect(open.Orders.First).ToContainTextAsync("Widget, red");
        await Expect(open.Orders.First).ToContainTextAsync("707,50");

        await ScrollToAsync(open, DashboardShop.ReadersOrders);
        var ids = await page.Locator("article h3").AllTextContentsAsync();
        Assert.Equal(Enumerable.Range(1, DashboardShop.ReadersOrders).Reverse().Select(i => $"Order R{i:00}"), ids);
        await Expect(page.Locator("#history-state")).ToHaveTextAsync("65 orders, that is all.");

        await page.GetByText("Paid", new() { Exact = true }).First.ClickAsync();
        await Expect(open.Orders).ToHaveCountAsync(10);
        await page.GetByLabel("From").FillAsync("2023-09-05");
        await page.GetByLabel("to", new() { Exact = true }).FillAsync("2023-09-07");
        await Expect(open.Orders).ToHaveCountAsync(3);
        await Expect(open.Orders.First).ToContainTextAsync("R06");
        await open.Button("Clear").ClickAsync();
        await Expect(open.Orders).ToHaveCountAsync(20);
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Renée Readwell");
        await page.GoBackAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Whose orders?" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_order_is_placed_paid_shipped_and_another_cancelled_and_each_shows_its_two_moments_without_a_reload()
    {
        var customer = await shop.NewCustomerAsync("Olga Orderly");
        await using var open = await shop.OpenAsync($"/?customer={customer}");
        var page = open.Page;
        await Expect(page.Locator("#history-state")).ToHaveTextAsync("No orders yet. Place the first one.");
        await page.EvaluateAsync("window.wasNotReloaded = true");

        await open.ChooseProductAsync("Widget");
        await page.GetByLabel("Quantity, line 1").FillAsync("2");
        await open.Button("+ Add a product").ClickAsync();
        await open.ChooseProductAsync("Gadget", 2);
        await Expect(page.Locator("#order-form .total")).ToHaveTextAsync("46,00");
        await open.Button("Place order").ClickAsync();
        var placed = open.Moment("Order WEB-");
        await Expect(placed.Locator("li").Nth(1)).ToHaveTextAsync(AcceptedStep(1));
        await Expect(placed.Locator("li").Nth(2)).ToHaveTextAsync(VisibleStep());
        await Expect(open.Orders).ToHaveCountAsync(1);
        await Expect(page.Locator("#sum-spent")).ToHaveTextAsync("46,00");

        var id = (await page.Locator("article h3").InnerTextAsync()).Split('\n', ' ')[^1];
        foreach (var (verb, status, version) in new[] { ("Pay", "Paid", 2), ("Ship", "Shipped", 3) })
        {
            await open.Button($"{verb} order {id}").ClickAsync();
            await Expect(open.Moment($"{verb} {id}").Locator("li").Nth(1)).ToHaveTextAsync(AcceptedStep(version));
            await Expect(open.Moment($"{verb} {id}").Locator("li").Nth(2)).ToHaveTextAsync(VisibleStep());
            await Expect(open.Order(id).Locator(".badge")).ToHaveTextAsync(status);
        }

        // Somebody else's order arrives by itself, and is cancelled here.
        await shop.SendAsync(new PlaceOrder($"{customer}-2", customer, [new("GADGET", 3, 25m)]));
        await open.Button($"Cancel order {customer}-2").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = $"Really cancel order {customer}-2" }).ClickAsync();
        await Expect(open.Order($"{customer}-2").Locator(".badge")).ToHaveTextAsync("Cancelled");
        await Expect(page.Locator("#sum-orders")).ToHaveTextAsync("1");
        Assert.True(await page.EvaluateAsync<bool>("window.wasNotReloaded"));
        Assert.Equal("Shipped", (await shop.QueryAsync($"/orders/{id}")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_refusal_stands_next_to_its_field_in_the_problem_s_own_words_and_a_changed_price_is_offered()
    {
        var customer = await shop.NewCustomerAsync("Rita Refused");
        var product = $"P{customer}";
        await shop.SendAsync(new AddProduct(product, "Teapot", 30m), new AddProduct($"{product}-2", "Samovar", 99m), new PlaceOrder($"{customer}-1", customer, [new(product, 1, 30m)]));
        await using var open = await shop.OpenAsync($"/?customer={customer}");
        var page = open.Page;
        var line = page.GetByRole(AriaRole.Group, new() { Name = "Line 1" });

        await open.Button("Place order").ClickAsync();
        await Expect(line.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Choose a product from the list.");
        await open.ChooseProductAsync("Teapot");
        await page.GetByLabel("Quantity, line 1").FillAsync("0");
        await open.Button("Place order").ClickAsync();
        await Expect(line.GetByRole(AriaRole.Alert)).ToHaveTextAsync("The quantity must be a whole number from 1 to 1000000.");
        await Expect(page.GetByLabel("Quantity, line 1")).ToHaveAttributeAsync("aria-invalid", "true");
        await Expect(page.GetByLabel("Quantity, line 1")).ToBeFocusedAsync();

        await page.GetByLabel("Quantity, line 1").FillAsync("2");
        await shop.SendAsync(new RepriceProduct(product, 31.5m));
        await open.Button("Place order").ClickAsync();
        await Expect(line.GetByRole(AriaRole.Alert)).ToContainTextAsync($"Product {product} costs 31.50, not 30.00.");
        await open.Button("Use 31,50").ClickAsync();
        await Expect(page.Locator("#order-form .total")).ToHaveTextAsync("63,00");
        await open.Button("Place order").ClickAsync();
        await Expect(open.Moment("Order WEB-").First.Locator(".badge")).ToHaveTextAsync("Visible");

        await open.ChooseProductAsync("Samovar");
        await shop.SendAsync(new DiscontinueProduct($"{product}-2"));
        await open.Button("Place order").ClickAsync();
        await Expect(line.GetByRole(AriaRole.Alert)).ToHaveTextAsync($"Product {product}-2 can no longer be ordered.");

        // What somebody else has done meanwhile is refused where it was tried.
        await page.RouteAsync("**/orders/live", route => route.AbortAsync());
        await page.ReloadAsync();
        await Expect(open.Orders).ToHaveCountAsync(2);
        await shop.SendAsync(new PayOrder($"{customer}-1"), new ShipOrder($"{customer}-1"));
        await open.Button($"Pay order {customer}-1").ClickAsync();
        await Expect(open.Order($"{customer}-1").GetByRole(AriaRole.Alert)).ToContainTextAsync($"Order {customer}-1 is Shipped");
    }

    [Fact]
    public async Task A_broker_stopped_and_started_while_the_page_is_open_is_named_and_what_was_ordered_meanwhile_becomes_visible()
    {
        var customer = await shop.NewCustomerAsync("Bruno Broker");
        await using var open = await shop.OpenAsync($"/?customer={customer}");
        var page = open.Page;
        var strip = page.Locator(".strip");
        await Expect(strip).ToHaveAttributeAsync("data-status", "Healthy");
        await Expect(page.Locator("#dead")).ToHaveTextAsync("0");

        await shop.Shop.StopAsync(Part.Broker);
        await Expect(page.Locator("#notice")).ToContainTextAsync("Service Bus is away");
        await Expect(strip).ToHaveAttributeAsync("data-status", "Degraded");
        await open.ChooseProductAsync("Gadget");
        await open.Button("Place order").ClickAsync();
        await Expect(open.Moment("Order WEB-").Locator(".badge")).ToHaveTextAsync("Accepted");
        await Expect(page.Locator("#depth")).ToHaveTextAsync("1");
        await Expect(open.Orders).ToHaveCountAsync(0);

        await shop.Shop.StartAsync(Part.Broker, Cancellation);
        await Expect(open.Moment("Order WEB-").Locator(".badge")).ToHaveTextAsync("Visible");
        await Expect(open.Orders).ToHaveCountAsync(1);
        await Expect(page.Locator("#depth")).ToHaveTextAsync("0");
        await Expect(page.Locator("#notice")).ToBeHiddenAsync();
        await Expect(strip).ToHaveAttributeAsync("data-status", "Healthy");
        await Expect(page.Locator("#p99")).ToHaveTextAsync(Duration());
        await Expect(page.Locator("#chart path.now")).ToHaveAttributeAsync("d", new Regex("^M.+"));
    }

    [Fact]
    public async Task A_service_that_is_away_is_named_and_the_page_goes_on_by_itself_when_it_is_back()
    {
        var customer = await shop.NewCustomerAsync("Wanda Away");
        await using var open = await shop.OpenAsync($"/?customer={customer}");
        var page = open.Page;
        await Expect(page.Locator("#live")).ToHaveTextAsync("Live");

        await shop.Shop.StopAsync(Part.Commands);
        await Expect(page.Locator("#notice")).ToContainTextAsync("Commands is away");
        await Expect(page.Locator(".strip")).ToHaveAttributeAsync("data-status", "Unhealthy");
        await open.ChooseProductAsync("Gadget");
        await open.Button("Place order").ClickAsync();
        await Expect(open.Moment("Order WEB-")).ToContainTextAsync("The write side does not answer.");
        // A reload forgets no command whose outcome is not known.
        await page.ReloadAsync();
        await Expect(open.Moment("Order WEB-")).ToContainTextAsync("The write side does not answer.");
        await shop.Shop.StartAsync(Part.Commands, Cancellation);
        await Expect(open.Moment("Order WEB-").Locator(".badge")).ToHaveTextAsync("Visible");
        await Expect(open.Orders).ToHaveCountAsync(1);

        await shop.Shop.StopAsync(Part.Queries);
        await Expect(page.Locator("#notice")).ToContainTextAsync("Queries does not answer");
        await Expect(page.Locator("#live")).ToHaveTextAsync("Reconnecting…");
        await shop.SendAsync(new PayOrder((await page.Locator("article h3").InnerTextAsync()).Split('\n', ' ')[^1]));
        await shop.Shop.StartAsync(Part.Queries, Cancellation);
        await Expect(page.Locator("#live")).ToHaveTextAsync("Live");
        await Expect(open.Orders.First.Locator(".badge")).ToHaveTextAsync("Paid");
        await Expect(page.Locator("#notice")).ToBeHiddenAsync();
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1360)]
    [InlineData(ColorScheme.Dark, 1360)]
    [InlineData(ColorScheme.Light, 390)]
    public async Task The_page_has_no_accessibility_violation_and_fits_its_window(ColorScheme scheme, int width)
    {
        await using var open = await shop.OpenAsync($"/?customer={DashboardShop.Reader}", width, scheme: scheme);
        await Expect(open.Orders.First).ToBeVisibleAsync();
        await open.Button("Place order").ClickAsync();
        await Expect(open.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "Choose a product" })).ToBeVisibleAsync();
        await open.Page.GetByLabel("Product, line 1").ClickAsync();
        await Expect(open.Page.GetByRole(AriaRole.Option).First).ToBeVisibleAsync();
        var result = await open.Page.RunAxe();
        Assert.Equal([], result.Violations.Select(violation => $"{violation.Id}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}"));
        Assert.True(await open.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        Assert.Contains(scheme == ColorScheme.Dark ? "rgb(14," : "rgb(244,", await open.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_is_reached_by_keyboard_in_the_order_in_which_it_is_read()
    {
        var customer = await shop.NewCustomerAsync("Kay Board");
        await shop.SendAsync(new PlaceOrder($"{customer}-1", customer, [new("GADGET", 1, 25m)]));
        await using var open = await shop.OpenAsync($"/?customer={customer}");
        await Expect(open.Orders).ToHaveCountAsync(1);
        List<string> reached = [];
        // A date field has a stop for each of its parts.
        while (reached.Count < 30 && !reached.Contains("Place order"))
        {
            await open.Page.Keyboard.PressAsync("Tab");
            reached.Add(await open.Page.EvaluateAsync<string>("""
                (e => e.getAttribute('aria-label') ?? document.getElementById(e.getAttribute('aria-labelledby'))?.textContent ?? e.labels?.[0]?.textContent ?? e.textContent)(document.activeElement).trim()
                """));
        }

        Assert.Equal(
            ["Skip to the orders", "Customer", "All", "From", "to", $"Order {customer}-1", $"Pay order {customer}-1", $"Cancel order {customer}-1", "Product, line 1", "Quantity, line 1", "+ Add a product", "Place order"],
            reached.Distinct());
    }

    /// <summary>Not run by itself: <c>dotnet Shop.Tests.dll -explicit only -method "*The_pictures_of_the_README*"</c> writes them to docs/images.</summary>
    [Fact(Explicit = true)]
    public async Task The_pictures_of_the_README()
    {
        await DashboardPictures.TakeAsync(shop);
    }

    /// <summary>Until so many orders are shown.</summary>
    private static async Task ScrollToAsync(OpenPage open, int orders)
    {
        for (var seen = await open.Orders.CountAsync(); seen < orders; seen = await open.Orders.CountAsync())
        {
            Assert.InRange(seen, 20, orders);
            await open.Orders.Last.ScrollIntoViewIfNeededAsync();
            await Expect(open.Orders.Nth(seen)).ToBeAttachedAsync();
        }
    }

    private static string InSight(bool isInSight) =>
        $"Object.defineProperty(document, 'hidden', {{ value: {(isInSight ? "false" : "true")}, configurable: true }}); document.dispatchEvent(new Event('visibilitychange'))";

    private static Regex AcceptedStep(int version) => new($@"^Accepted · version {version}\d\d:\d\d:\d\d,\d{{3}}\+[\d,]+\s(ms|Sek\.)$");

    [GeneratedRegex(@"^Visible\d\d:\d\d:\d\d,\d{3}\+[\d,]+\s(ms|Sek\.)$")]
    private static partial Regex VisibleStep();

    [GeneratedRegex(@"^[\d,]+\s(ms|Sek\.)$")]
    private static partial Regex Duration();

    [GeneratedRegex($"\\?customer={DashboardShop.Reader}$")]
    private static partial Regex CustomerAddress();
}
