using Amqp.Framing;
using Amqp.Types;
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

    /// <summary>What is sent while a connection is closing, or cannot be written, comes back with such a condition.</summary>
    [Theory, InlineData("amqp:illegal-state", true), InlineData("amqp:internal-error", true), InlineData("amqp:connection:forced", true), InlineData("amqp:link:detach-forced", true),
     InlineData("com.microsoft:dead-letter", false), InlineData("my:reason", false), InlineData(null, false)]
    public void A_rejection_with_a_condition_of_AMQPs_own_is_the_librarys_and_not_the_clients(string? condition, bool isMadeUp) =>
        Assert.Equal(isMadeUp, ConsumerLink.IsMadeUp(new Rejected { Error = condition is null ? null : new Error(new Symbol(condition)) }));

    private static BusClient Client(string connectionString) =>
        new(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(connectionString) });

    private static CloudEvent Event(int number) => new(Guid.CreateVersion7(), "/test", "shop.order.placed.v1", $"order/{number}",
        new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero), TraceParent: null, GroupKey: $"order/{number}", "{}"u8.ToArray());
}
