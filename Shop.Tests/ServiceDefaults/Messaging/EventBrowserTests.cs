using Shop.Local.ServiceBus;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class EventBrowserTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_broker_that_goes_between_two_looks_at_dead_letters_is_an_outage_as_any_other()
    {
        var broker = await BrokerServer.StartAsync(new BrokerOptions(), Token);
        await using var client = new BusClient(TestEvents.Options(broker.ConnectionString));
        await using var browser = await client.BrowseDeadLettersAsync("shop-events", "projector", Token);
        Assert.Empty(await browser.PeekAsync(0, 1, 1024, Token));
        await broker.DisposeAsync();
        // The first may be under way when the connection ends, the second finds it ended.
        await Assert.ThrowsAsync<IOException>(() => browser.PeekAsync(0, 1, 1024, Token));
        await Assert.ThrowsAsync<IOException>(() => browser.PeekAsync(0, 1, 1024, Token));
    }
}
