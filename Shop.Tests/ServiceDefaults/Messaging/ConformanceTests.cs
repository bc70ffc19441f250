using System.Security.Cryptography;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class LocalBrokerConformanceTests(LocalConformanceBroker broker) : ConformanceTests(broker), IClassFixture<LocalConformanceBroker>;

public sealed class RabbitMqConformanceTests(RabbitMqConformanceBroker broker) : ConformanceTests(broker), IClassFixture<RabbitMqConformanceBroker>;

/// <summary>What the client promises with whatever broker; each test leaves the queue empty for the next.</summary>
public abstract class ConformanceTests(ConformanceBroker broker) : IAsyncLifetime
{
    private readonly BusClient client = new(TestEvents.Options(broker.ConnectionString));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Events_arrive_as_they_were_and_every_way_to_settle_ends_as_it_should()
    {
        var (publisher, receiver) = Open(prefetch: 50);
        CloudEvent[] sent =
        [
            TestEvents.Create(1, traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), TestEvents.Create(2, padding: 100_000), TestEvents.Create(3), TestEvents.Create(4),
        ];
        await TestEvents.PublishAllAsync(publisher, sent, Token);
        var first = await TestEvents.ReceiveAsync(receiver, 4, Token);
        Assert.Equal(
            sent.Select(one => (one.Id, one.Type, one.Subject, one.Time, one.TraceParent, one.GroupKey)),
            first.Select(one => (one.Id, one.Type, one.Subject, one.Time, one.TraceParent, one.GroupKey)));
        Assert.All(sent.Zip(first), pair => Assert.True(pair.First.Data.Span.SequenceEqual(pair.Second.Data.Span)));

        await receiver.CompleteAsync([first[0]], Token);
        await receiver.AbandonAsync([first[1]], Token);
        await receiver.ReleaseAsync([first[2]], Token);
        await receiver.DeadLetterAsync(first[3], "UnknownType", "Nobody knows it.", Token);

        var second = await TestEvents.ReceiveAsync(receiver, 2, Token);
        Assert.Equal([2, 3], second.Select(TestEvents.Number).Order());
        if (broker.KeepsBooks) Assert.Equal([(2, 2), (3, 1)], second.Select(one => (TestEvents.Number(one), one.DeliveryCount)).Order());
        await receiver.CompleteAsync(second, Token);
        await using var deadLetters = client.CreateReceiver("shop-events", "projector", new() { DeadLetterQueue = true });
        var dead = Assert.Single(await TestEvents.ReceiveAsync(deadLetters, 1, Token));
        Assert.Equal(4, TestEvents.Number(dead));
        if (broker.KeepsBooks) Assert.Equal(("UnknownType", "Nobody knows it."), (dead.DeadLetterReason, dead.DeadLetterDescription));
        await deadLetters.CompleteAsync([dead], Token);
        await client.ProbeAsync(null, Token);
    }

    // A broker that counts credit anew with every flow frame overruns a client that gives more while messages are under way.
    [Fact]
    public async Task A_slow_consumer_holds_its_prefetch_and_no_more_and_everything_comes_in_order()
    {
        const int count = 2000;
        var (publisher, receiver) = Open(prefetch: 50);
        var publishing = TestEvents.PublishAllAsync(publisher, TestEvents.Range(0, count), Token);
        List<int> seen = [];
        while (seen.Count < count)
        {
            var batch = await receiver.ReceiveBatchAsync(20, Token);
            seen.AddRange(batch.Select(TestEvents.Number));
            await receiver.CompleteAsync(batch, Token);
        }

        await publishing;
        Assert.Equal(Enumerable.Range(0, count), seen);
        Assert.Null(receiver.State.LastError);

        await TestEvents.PublishAllAsync(publisher, TestEvents.Range(0, 200), Token);
        var held = await TestEvents.ReceiveAsync(receiver, 50, Token);
        await using var other = client.CreateReceiver("shop-events", "projector");
        var rest = await TestEvents.ReceiveAsync(other, 150, Token);
        Assert.Equal(Enumerable.Range(0, 200), held.Concat(rest).Select(TestEvents.Number).Order());
        await receiver.CompleteAsync(held, Token);
        await other.CompleteAsync(rest, Token);
    }

    [Fact]
    public async Task An_event_larger_than_the_broker_takes_is_refused_alone_and_one_of_many_frames_arrives()
    {
        var (publisher, receiver) = Open(prefetch: 50);
        var large = TestEvents.Create(1) with { Data = RandomNumberGenerator.GetBytes(400 * 1024) };
        var huge = TestEvents.Create(2) with { Data = RandomNumberGenerator.GetBytes(2 * 1024 * 1024) };

        var results = await publisher.PublishAsync([large, huge, TestEvents.Create(3)], Token);

        var taken = broker.HasSizeLimit ? PublishStatus.Refused : PublishStatus.Accepted;
        Assert.Equal([PublishStatus.Accepted, taken, PublishStatus.Accepted], results.Select(result => result.Status));
        var received = await TestEvents.ReceiveAsync(receiver, broker.HasSizeLimit ? 2 : 3, Token);
        Assert.True(received[0].Data.Span.SequenceEqual(large.Data.Span));
        await receiver.CompleteAsync(received, Token);
    }

    [Fact]
    public async Task A_broker_that_ends_in_the_middle_and_comes_back_has_everything_that_was_accepted()
    {
        var (publisher, receiver) = Open(prefetch: 50);
        await TestEvents.PublishAllAsync(publisher, TestEvents.Range(0, 100), Token);
        var held = await TestEvents.ReceiveAsync(receiver, 10, Token);
        await broker.EndAsync(Token);
        await TestEvents.UntilAsync(() => publisher.State.Connection == BusConnection.Disconnected, Token);
        Assert.Contains(client.States, state => !state.IsHealthy);
        var publishing = TestEvents.PublishAllAsync(publisher, TestEvents.Range(100, 100), Token);
        await receiver.CompleteAsync(held, Token);
        await broker.StartAgainAsync(Token);
        await publishing;

        HashSet<int> seen = [.. held.Select(TestEvents.Number)];
        while (seen.Count < 200)
        {
            var batch = await TestEvents.ReceiveAsync(receiver, 1, Token);
            seen.UnionWith(batch.Select(TestEvents.Number));
            await receiver.CompleteAsync(batch, Token);
        }

        await DrainAsync(receiver, publisher);
    }

    [Fact]
    public async Task A_publisher_gives_up_a_half_open_connection_and_goes_on_over_another()
    {
        await using var proxy = new FreezableProxy(broker.Port);
        await using var distant = Through(proxy);
        var publisher = distant.CreatePublisher("shop-events");
        Assert.Equal(PublishStatus.Accepted, (await publisher.PublishAsync([TestEvents.Create(1)], Token))[0].Status);

        proxy.FreezeOpenConnections();
        var lost = await publisher.PublishAsync([TestEvents.Create(2)], Token);
        Assert.Equal(PublishStatus.Unknown, lost[0].Status);
        await TestEvents.PublishAllAsync(publisher, [TestEvents.Create(2)], Token);
        Assert.NotNull(publisher.State.LastError);
        var (near, receiver) = Open(prefetch: 50);
        var arrived = await TestEvents.ReceiveAsync(receiver, 2, Token);
        Assert.Equal([1, 2], arrived.Select(TestEvents.Number));
        await receiver.CompleteAsync(arrived, Token);
        await DrainAsync(receiver, near);
    }

    [Fact]
    public async Task A_receiver_gives_up_a_half_open_connection_and_goes_on_over_another()
    {
        await using var proxy = new FreezableProxy(broker.Port);
        await using var distant = Through(proxy);
        var (near, receiver) = (client.CreatePublisher("shop-events"), distant.CreateReceiver("shop-events", "projector", new() { Prefetch = 1 }));
        await TestEvents.PublishAllAsync(near, TestEvents.Range(1, 2), Token);
        // It holds all that it may, so the broker sends nothing into the silence.
        var held = Assert.Single(await TestEvents.ReceiveAsync(receiver, 1, Token));

        proxy.FreezeOpenConnections();
        // The second one comes over another connection; before it the first one again, if the broker knows already that the old connection is dead.
        HashSet<int> seen = [];
        while (!seen.Contains(2)) seen.UnionWith(await TakeAsync(receiver));
        Assert.Equal(1, TestEvents.Number(held));
        await receiver.CompleteAsync([held], Token);
        await distant.DisposeAsync();
        await proxy.DisposeAsync();

        // What was held over the dead connection was settled into the void, so it comes again once the broker knows.
        await using var other = client.CreateReceiver("shop-events", "projector", new() { Prefetch = 50 });
        while (!seen.Contains(1)) seen.UnionWith(await TakeAsync(other));
        await DrainAsync(other, near);

        static async Task<IEnumerable<int>> TakeAsync(EventReceiver from)
        {
            var batch = await TestEvents.ReceiveAsync(from, 1, Token);
            await from.CompleteAsync(batch, Token);
            return batch.Select(TestEvents.Number);
        }
    }

    [Fact]
    public async Task Fifty_fresh_connections_one_after_the_other_never_hang()
    {
        var (_, receiver) = Open(prefetch: 50);
        for (var i = 0; i < 50; i++)
        {
            await using var fresh = new BusClient(TestEvents.Options(broker.ConnectionString));
            Assert.Equal(PublishStatus.Accepted, (await fresh.CreatePublisher("shop-events").PublishAsync([TestEvents.Create(i)], Token))[0].Status);
        }

        var received = await TestEvents.ReceiveAsync(receiver, 50, Token);
        Assert.Equal(Enumerable.Range(0, 50), received.Select(TestEvents.Number));
        await receiver.CompleteAsync(received, Token);
    }

    /// <summary>A client that gives up a connection which has been silent for two seconds.</summary>
    private BusClient Through(FreezableProxy proxy)
    {
        var options = TestEvents.Options(broker.ConnectionString);
        options.ConnectionString = options.ConnectionString with { Port = proxy.Port };
        options.IdleTimeout = TimeSpan.FromSeconds(2);
        return new(options);
    }

    private (EventPublisher Publisher, EventReceiver Receiver) Open(int prefetch) =>
        (client.CreatePublisher("shop-events"), client.CreateReceiver("shop-events", "projector", new() { Prefetch = prefetch }));

    /// <summary>Takes what an outage has doubled, up to a marker that was published last.</summary>
    private static async Task DrainAsync(EventReceiver receiver, EventPublisher publisher)
    {
        const int marker = 999_999;
        await TestEvents.PublishAllAsync(publisher, [TestEvents.Create(marker)], Token);
        for (var isDrained = false; !isDrained;)
        {
            var batch = await TestEvents.ReceiveAsync(receiver, 1, Token);
            isDrained = batch.Exists(received => TestEvents.Number(received) == marker);
            await receiver.CompleteAsync(batch, Token);
        }
    }
}
