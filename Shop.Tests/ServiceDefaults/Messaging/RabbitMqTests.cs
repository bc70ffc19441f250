using Shop.Local.RabbitMq;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

/// <summary>The client with a second, real broker that somebody else wrote.</summary>
public sealed class RabbitMqTests : IAsyncLifetime
{
    private LocalRabbitMq server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await RabbitMqServer.StartAsync(Token);

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
    }

    [Fact]
    public async Task Publishing_settling_in_every_way_and_a_killed_broker_work_with_RabbitMQ_too()
    {
        await using var client = new BusClient(TestEvents.Options(server.ConnectionString));
        var publisher = client.CreatePublisher("shop-events");
        var receiver = client.CreateReceiver("shop-events", "projector", new() { Prefetch = 50 });

        await SettleInEveryWayAsync(client, publisher, receiver);
        await ReceiveManyThroughASmallPrefetchAsync(publisher, receiver);
        await SurviveAKillAsync(publisher, receiver);
    }

    private static async Task SettleInEveryWayAsync(BusClient client, EventPublisher publisher, EventReceiver receiver)
    {
        CloudEvent[] sent = [TestEvents.Create(1), TestEvents.Create(2, padding: 100_000), TestEvents.Create(3), TestEvents.Create(4)];
        await TestEvents.PublishAllAsync(publisher, sent, Token);
        var first = await TestEvents.ReceiveAsync(receiver, 4, Token);
        Assert.Equal(sent.Select(one => (one.Id, one.Type, one.Subject, one.Time, one.GroupKey)), first.Select(one => (one.Id, one.Type, one.Subject, one.Time, one.GroupKey)));
        Assert.All(sent.Zip(first), pair => Assert.True(pair.First.Data.Span.SequenceEqual(pair.Second.Data.Span)));

        await receiver.CompleteAsync([first[0]], Token);
        await receiver.AbandonAsync([first[1]], Token);
        await receiver.ReleaseAsync([first[2]], Token);
        await receiver.DeadLetterAsync(first[3], "UnknownType", "RabbitMQ drops the reason", Token);

        var second = await TestEvents.ReceiveAsync(receiver, 2, Token);
        Assert.Equal([2, 3], second.Select(TestEvents.Number).Order());
        await receiver.CompleteAsync(second, Token);
        await using var deadLetters = client.CreateReceiver("shop-events", "projector", new() { DeadLetterQueue = true });
        var dead = await TestEvents.ReceiveAsync(deadLetters, 1, Token);
        Assert.Equal([4], dead.Select(TestEvents.Number));
        await deadLetters.CompleteAsync(dead, Token);
        await client.ProbeAsync(null, Token);
    }

    // RabbitMQ counts credit anew with every flow frame; a client that gives more while messages are under way is overrun.
    private static async Task ReceiveManyThroughASmallPrefetchAsync(EventPublisher publisher, EventReceiver receiver)
    {
        const int count = 2000;
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
    }

    private async Task SurviveAKillAsync(EventPublisher publisher, EventReceiver receiver)
    {
        await receiver.PauseAsync();
        await TestEvents.PublishAllAsync(publisher, TestEvents.Range(0, 100), Token);
        await server.KillAsync(Token);
        await TestEvents.UntilAsync(() => publisher.State.Connection == BusConnection.Disconnected, Token);
        var publishing = TestEvents.PublishAllAsync(publisher, TestEvents.Range(100, 100), Token);
        await server.StartAgainAsync(Token);
        await publishing;

        await receiver.ResumeAsync();
        HashSet<int> seen = [];
        while (seen.Count < 200)
        {
            var batch = await TestEvents.ReceiveAsync(receiver, 1, Token);
            seen.UnionWith(batch.Select(TestEvents.Number));
            await receiver.CompleteAsync(batch, Token);
        }
    }
}
