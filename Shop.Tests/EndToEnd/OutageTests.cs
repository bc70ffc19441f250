using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Shop.Contracts.Commands;
using Shop.Local.Supervision;

namespace Shop.Tests.EndToEnd;

/// <summary>A whole shop, each part a process of its own; nobody touches a service while others go and come back.</summary>
public sealed class OutageTests : IAsyncLifetime
{
    private LocalShop shop = null!;
    private HttpClient commands = null!;
    private HttpClient queries = null!;
    private int nextOrder;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        shop = await LocalShop.StartAsync(new LocalShopOptions { Ephemeral = true, PortBase = ShopPorts.Free().Base }, Cancellation);
        commands = new HttpClient { BaseAddress = new Uri(shop.CommandsUrl) };
        queries = new HttpClient { BaseAddress = new Uri(shop.QueriesUrl) };
        await PlaceAsync(new RegisterCustomer("C", "Customer"));
        await PlaceAsync(new AddProduct("P", "Product", 2.50m));
    }

    [Theory]
    [InlineData(Part.Broker)]
    [InlineData(Part.Store)]
    [InlineData(Part.Projector)]
    public async Task Orders_placed_while_a_part_is_away_appear_when_it_is_back(Part part)
    {
        await PlaceOrdersAsync(20);
        await shop.StopAsync(part);
        await PlaceOrdersAsync(100);
        await shop.StartAsync(part, Cancellation);
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
        for (var kill = 1; kill <= 2; kill++)
        {
            var before = Volatile.Read(ref nextOrder);
            await Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref nextOrder) > before + 50), "orders are placed", Cancellation, TimeSpan.FromSeconds(60));
            await shop.KillAsync(part);
            await shop.WaitUntilAsync(part, status => status.Restarts >= kill && status.State is PartState.Healthy or PartState.Degraded, Cancellation);
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
            await PlaceAsync(new PlaceOrder($"O{Interlocked.Increment(ref nextOrder)}", "C", [new("P", 2, 2.50m)]));
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
        for (var order = 1; order <= nextOrder; order++)
        {
            await Eventually.TrueAsync(async () =>
            {
                try
                {
                    using var response = await queries.GetAsync($"/orders/O{order}", Cancellation);
                    return response.StatusCode == HttpStatusCode.OK;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            }, $"order O{order} of {nextOrder} is visible", Cancellation, TimeSpan.FromSeconds(60));
        }

        await Eventually.TrueAsync(async () =>
        {
            var summary = await queries.GetFromJsonAsync<JsonElement>("/customers/C", Cancellation);
            return summary.GetProperty("orders").GetInt32() == nextOrder && summary.GetProperty("totalSpent").GetDecimal() == nextOrder * 5.00m;
        }, "the summary counts every order once", Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        commands.Dispose();
        queries.Dispose();
        await shop.DisposeAsync();
    }
}
