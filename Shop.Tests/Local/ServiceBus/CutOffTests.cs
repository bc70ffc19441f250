using Shop.Local.ServiceBus;
using Shop.ServiceDefaults.Messaging;
using Shop.Tests.Commands.Faults;

namespace Shop.Tests.Local.ServiceBus;

public sealed class CutOffTests
{
    private const int Messages = 50;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_receiver_held_when_it_was_cut_off_is_delivered_again_and_never_dead_lettered()
    {
        var entities = new BrokerEntities([],
            [new TopicDefinition("shop-events", [new SubscriptionDefinition("projector", new ReceiveProperties { LockDuration = TimeSpan.FromSeconds(1), MaxDeliveryCount = 2000 })])]);
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions { Entities = entities }, Cancellation);
        await using var bus = Client(broker.ConnectionString);
        await using (var publisher = bus.CreatePublisher("shop-events"))
        {
            var results = await publisher.PublishAsync([.. Enumerable.Range(0, Messages).Select(Event)], Cancellation);
            Assert.All(results, result => Assert.Equal(PublishStatus.Accepted, result.Status));
        }

        for (var round = 0; round < 5; round++)
        {
            var proxy = new CuttingProxy(broker.Port);
            await using var cutOff = Client(broker.ConnectionString.Replace($":{broker.Port}", $":{proxy.Port}", StringComparison.Ordinal));
            var receiver = cutOff.CreateReceiver("shop-events", "projector");
            await receiver.ReceiveBatchAsync(Messages, Cancellation);
            await proxy.DisposeAsync();
            await receiver.DisposeAsync();
        }

        await using var again = bus.CreateReceiver("shop-events", "projector");
        var seen = new HashSet<Guid>();
        await Eventually.TrueAsync(async () =>
        {
            var batch = await again.ReceiveBatchAsync(Messages, Cancellation);
            seen.UnionWith(batch.Select(received => received.Id));
            await again.CompleteAsync(batch, Cancellation);
            return seen.Count == Messages;
        }, "every message is delivered again", Cancellation);
    }

    [Fact]
    public async Task What_is_on_its_way_to_a_receiver_that_closes_its_connection_is_never_dead_lettered()
    {
        const int rounds = 60, perRound = 150;
        const string deadLetters = "shop-events/Subscriptions/projector/$DeadLetterQueue";
        var entities = new BrokerEntities([], [new TopicDefinition("shop-events", [new SubscriptionDefinition("projector", new ReceiveProperties { LockDuration = TimeSpan.FromMinutes(5) })])]);
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions { Entities = entities }, Cancellation);
        await using var bus = Client(broker.ConnectionString);
        await using var publisher = bus.CreatePublisher("shop-events");
        for (var round = 0; round < rounds; round++)
        {
            // What is published while it closes goes to it until the broker knows: the library then makes up an outcome.
            var client = await BrokerClient.ConnectAsync(broker.Port);
            var receiver = client.Receiver("shop-events/Subscriptions/projector", credit: 10 * perRound);
            var publishing = publisher.PublishAsync([.. Enumerable.Range(0, perRound).Select(Event)], Cancellation).AsTask();
            Assert.NotNull(await receiver.ReceiveAsync(BrokerClient.Patience));
            await client.DisposeAsync();
            await publishing;
        }

        await using var looking = await BrokerClient.ConnectAsync(broker.Port);
        Assert.Empty(await looking.PeekAsync(deadLetters));
    }

    private static BusClient Client(string connectionString) =>
        new(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(connectionString) });

    private static CloudEvent Event(int number) => new(Guid.CreateVersion7(), "/test", "shop.order.placed.v1", $"order/{number}",
        new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero), TraceParent: null, GroupKey: $"order/{number}", "{}"u8.ToArray());
}
