using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Shop.Contracts.Commands;
using static Microsoft.Playwright.Assertions;

namespace Shop.Tests.EndToEnd;

/// <summary>What changes comes onto the page, whatever is on its way at the same time, and nothing goes back.</summary>
public sealed partial class DashboardTests
{
    [Fact]
    public async Task Sums_that_were_behind_the_orders_when_the_page_opened_catch_up_without_a_change()
    {
        var customer = await shop.NewCustomerAsync("Lara Late");
        await shop.SendAsync(new PlaceOrder($"{customer}-1", customer, [new("GADGET", 1, 25m)]), new PlaceOrder($"{customer}-2", customer, [new("GADGET", 1, 25m)]));
        await using var open = await shop.OpenAsync();
        // The answer of a moment in which the orders are there and their month is not summed yet.
        await open.Page.RouteAsync(new Regex($"/customers/{customer}\\?$"), route => route.FulfillAsync(new()
        {
            ContentType = "application/json",
            Body = $$"""{"_id":"{{customer}}","name":"Lara Late","version":1,"orders":0,"totalSpent":0,"lastOrder":null}""",
        }));
        var asked = open.Page.WaitForResponseAsync(response => response.Url.EndsWith($"/customers/{customer}?", StringComparison.Ordinal));
        await open.Page.GotoAsync($"{shop.Shop.QueriesUrl}/?customer={customer}");
        await asked;

        await Expect(open.Page.Locator("#sum-orders")).ToHaveTextAsync("2");
        await Expect(open.Page.Locator("#sum-spent")).ToHaveTextAsync("50,00");
    }

    [Fact]
    public async Task A_change_that_comes_twice_never_brings_back_sums_from_before_it()
    {
        var customer = await shop.NewCustomerAsync("Tessa Twice");
        await shop.SendAsync(new PlaceOrder($"{customer}-1", customer, [new("GADGET", 1, 25m)]));
        await using var open = await shop.OpenAsync();
        var page = open.Page;
        var asked = new ConcurrentQueue<string>();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await page.RouteAsync(new Regex($@"/customers/{customer}\?"), async route =>
        {
            asked.Enqueue(route.Request.Url);
            await held.Task;
            await route.ContinueAsync();
        });
        await page.Clock.InstallAsync();

        // It comes again while the question is on its way, and once more when that has been answered.
        await page.EvaluateAsync($$"""
            async () => {
              const { createSummary } = await import(document.querySelector('script[type=module]').src.replace('app.js', 'summary.js'));
              window.summary = createSummary('{{customer}}', { signal: new AbortController().signal, onUnknown() {} });
              window.came = () => window.summary.changed({ _id: '{{customer}}-1', version: 1 });
              window.came();
            }
            """);
        await page.Clock.RunForAsync(1_000);
        await Eventually.TrueAsync(() => Task.FromResult(!asked.IsEmpty), "the sums are asked for", Cancellation);
        await page.EvaluateAsync("window.came()");
        held.SetResult();
        await Expect(page.Locator("#sum-orders")).ToHaveTextAsync("1");
        await page.EvaluateAsync("window.came()");
        await page.Clock.RunForAsync(5_000);
        await page.EvaluateAsync("window.summary.changed({ _id: 'another', version: 1 })");
        await page.Clock.RunForAsync(1_000);

        await Eventually.TrueAsync(() => Task.FromResult(asked.Any(url => url.Contains("another", StringComparison.Ordinal))), "another change asks again", Cancellation);
        Assert.All(asked, url => Assert.Contains($"{customer}-1", new Uri(url).Query, StringComparison.Ordinal));
        Assert.Equal(2, asked.Count);
    }

    [Fact]
    public async Task What_changes_while_a_page_is_read_or_while_the_stream_is_away_shows_without_a_reload()
    {
        var customer = await shop.NewCustomerAsync("Flora Flight");
        await shop.SendAsync([.. Enumerable.Range(1, 25).Select(Place)]);
        await using var open = await shop.OpenAsync();
        var page = open.Page;
        // The first page is read, and still on its way when an order of it is paid and a new one is placed.
        await page.RouteAsync(new Regex($@"/customers/{customer}/orders\?limit=20$"), async route =>
        {
            var read = await route.FetchAsync();
            await shop.SendAsync(new PayOrder($"{customer}-25"), Place(26));
            await Expect(page.Locator("#sum-orders")).ToHaveTextAsync("26");
            await route.FulfillAsync(new() { Response = read });
        }, new() { Times = 1 });
        await page.GotoAsync($"{shop.Shop.QueriesUrl}/?customer={customer}");
        await Expect(open.Orders.First).ToContainTextAsync($"{customer}-26");
        await Expect(open.Order($"{customer}-25").Locator(".badge")).ToHaveTextAsync("Paid");

        // Further down than the orders with which a stream begins, and the first attempt to read it again fails.
        await ScrollToAsync(open, 26);
        await page.RouteAsync(new Regex($@"/customers/{customer}/orders\?limit=100$"), route => route.FulfillAsync(new() { Status = 503 }), new() { Times = 1 });
        await PayUnseenAsync(1);
        await Expect(open.Order($"{customer}-01").Locator(".badge")).ToHaveTextAsync("Paid");

        // What is filtered out is in no answer.
        await page.GetByText("Pending", new() { Exact = true }).First.ClickAsync();
        await Expect(open.Order($"{customer}-25")).ToHaveCountAsync(0);
        await ScrollToAsync(open, 24);
        await PayUnseenAsync(2);
        await Expect(open.Order($"{customer}-02")).ToHaveCountAsync(0);

        PlaceOrder Place(int number) => new($"{customer}-{number:00}", customer, [new("GADGET", 1, 25m)]) { Timestamp = DashboardShop.FirstOrder.AddDays(number) };

        // A page that is out of sight has no stream.
        async Task PayUnseenAsync(int number)
        {
            await page.EvaluateAsync(InSight(false));
            await shop.SendAsync(new PayOrder($"{customer}-{number:00}"));
            await shop.QueryAsync($"/orders/{customer}-{number:00}?seen=order/{customer}-{number:00}:2");
            await page.EvaluateAsync(InSight(true));
        }
    }
}
