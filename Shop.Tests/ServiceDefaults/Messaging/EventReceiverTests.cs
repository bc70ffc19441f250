using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class EventReceiverTests : IAsyncLifetime
{
    private LocalBroker broker = null!;
    private BusClient client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        broker = await LocalBroker.StartAsync(Token);
        client = new BusClient(TestEvents.Options(broker.ConnectionString));
    }

    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task An_event_arrives_as_it_was_published_compressed_or_not()
    {
        CloudEvent[] sent = [TestEvents.Create(1, traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), TestEvents.Create(2, padding: 100_000)];
        await PublishAsync(sent);

        var received = await TestEvents.ReceiveAsync(Receiver(), 2, Token);

        Assert.Equal(sent.Select(one => (one.Id, one.Source, one.Type, one.Subject, one.Time, one.TraceParent, one.GroupKey)),
            received.Select(one => (one.Id, one.Source, one.Type, one.Subject, one.Time, one.TraceParent, one.GroupKey)));
        Assert.All(sent.Zip(received), pair => Assert.True(pair.First.Data.Span.SequenceEqual(pair.Second.Data.Span)));
        Assert.All(received, one => Assert.Null(one.FormatError));
        Assert.All(received, one => Assert.Equal(1, one.DeliveryCount));
        Assert.All(received, one => Assert.NotNull(one.EnqueuedTime));
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", received[0].TraceContext.TraceId.ToString());
    }

    [Fact]
    public async Task What_is_completed_is_gone_what_is_abandoned_counts_and_what_is_released_does_not()
    {
        await PublishAsync(TestEvents.Range(1, 3));
        var receiver = Receiver();
        var first = await TestEvents.ReceiveAsync(receiver, 3, Token);
        Assert.Equal([1, 2, 3], first.Select(TestEvents.Number));

        await receiver.CompleteAsync([first[0]], Token);
        await receiver.AbandonAsync([first[1]], Token);
        await receiver.ReleaseAsync([first[2]], Token);

        var second = await TestEvents.ReceiveAsync(receiver, 2, Token);
        Assert.Equal([(2, 2), (3, 1)], second.Select(one => (TestEvents.Number(one), one.DeliveryCount)).Order());
        await receiver.CompleteAsync(second, Token);
        await AssertEmptyAsync(receiver);
    }

    [Fact]
    public async Task A_dead_letter_keeps_its_reason_and_can_be_read_and_settled()
    {
        await PublishAsync([TestEvents.Create(1)]);
        var receiver = Receiver();
        var poison = (await TestEvents.ReceiveAsync(receiver, 1, Token))[0];

        await receiver.DeadLetterAsync(poison, "UnknownType", new string('x', 5000), Token);

        await using var deadLetters = client.CreateReceiver("shop-events", "projector", new() { DeadLetterQueue = true });
        var dead = (await TestEvents.ReceiveAsync(deadLetters, 1, Token))[0];
        Assert.Equal((poison.Id, "UnknownType", new string('x', 4096)), (dead.Id, dead.DeadLetterReason, dead.DeadLetterDescription));
        await deadLetters.CompleteAsync([dead], Token);
        await AssertEmptyAsync(deadLetters);
        await AssertEmptyAsync(receiver);
    }

    [Fact]
    public async Task Settling_twice_does_nothing_more()
    {
        await PublishAsync([TestEvents.Create(1)]);
        var receiver = Receiver();
        var received = await TestEvents.ReceiveAsync(receiver, 1, Token);

        await receiver.CompleteAsync(received, Token);
        await receiver.AbandonAsync(received, Token);

        await AssertEmptyAsync(receiver);
        Assert.Equal(BusConnection.Connected, receiver.State.Connection);
    }

    [Fact]
    public async Task A_lock_is_renewed_for_as_long_as_the_work_lasts()
    {
        var lockDuration = TimeSpan.FromSeconds(4);
        await using var forgetful = await LocalBroker.StartAsync(Token, LocalBroker.Entities(lockDuration));
        await using var worker = new BusClient(TestEvents.Options(forgetful.ConnectionString));
        var publisher = worker.CreatePublisher("shop-events");
        await TestEvents.PublishAllAsync(publisher, TestEvents.Range(1, 5), Token);
        var receiver = worker.CreateReceiver("shop-events", "projector");
        var working = await TestEvents.ReceiveAsync(receiver, 5, Token);

        // Without renewal a second receiver would be given the events.
        await using var other = worker.CreateReceiver("shop-events", "projector");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(lockDuration * 1.5);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other.ReceiveBatchAsync(5, patience.Token).AsTask());

        await receiver.CompleteAsync(working, Token);
        await other.DisposeAsync();
        await TestEvents.PublishAllAsync(publisher, [TestEvents.Create(6)], Token);
        Assert.Equal([6], (await TestEvents.ReceiveAsync(receiver, 1, Token)).Select(TestEvents.Number));
    }

    [Fact]
    public async Task A_slow_consumer_holds_no_more_than_the_prefetch()
    {
        await PublishAsync(TestEvents.Range(0, 500));
        await using var slow = client.CreateReceiver("shop-events", "projector", new() { Prefetch = 20 });
        var held = await TestEvents.ReceiveAsync(slow, 20, Token);

        // Everything beyond the twenty is still the broker's to give to others.
        await using var other = client.CreateReceiver("shop-events", "projector");
        var rest = await TestEvents.ReceiveAsync(other, 480, Token);

        Assert.Equal(Enumerable.Range(0, 500), held.Concat(rest).Select(TestEvents.Number).Order());
        await slow.CompleteAsync(held, Token);
        await other.CompleteAsync(rest, Token);
        await other.DisposeAsync();
        await AssertEmptyAsync(slow);
    }

    [Fact]
    public async Task All_events_come_through_a_small_prefetch_in_order()
    {
        await using var receiver = client.CreateReceiver("shop-events", "projector", new() { Prefetch = 7 });
        await PublishAsync(TestEvents.Range(0, 300));
        List<int> seen = [];
        while (seen.Count < 300)
        {
            var batch = await TestEvents.ReceiveAsync(receiver, 1, Token);
            seen.AddRange(batch.Select(TestEvents.Number));
            await receiver.CompleteAsync(batch, Token);
        }

        Assert.Equal(Enumerable.Range(0, 300), seen);
    }

    [Fact]
    public async Task A_paused_receiver_gives_back_what_nobody_took_and_goes_on_when_resumed()
    {
        var paused = Receiver();
        await PublishAsync(TestEvents.Range(0, 100));
        var taken = await TestEvents.ReceiveAsync(paused, 1, Token);
        await paused.PauseAsync();
        Assert.Equal(BusConnection.Paused, paused.State.Connection);

        await using var other = client.CreateReceiver("shop-events", "projector");
        var rest = await TestEvents.ReceiveAsync(other, 99, Token);
        Assert.All(rest, one => Assert.Equal(1, one.DeliveryCount));
        await other.CompleteAsync(rest, Token);
        await other.DisposeAsync();
        await paused.CompleteAsync(taken, Token);

        await PublishAsync([TestEvents.Create(200)]);
        await paused.ResumeAsync();
        Assert.Equal([200], (await TestEvents.ReceiveAsync(paused, 1, Token)).Select(TestEvents.Number));
    }

    [Fact]
    public async Task A_disposed_receiver_leaves_no_lock_behind()
    {
        await PublishAsync(TestEvents.Range(0, 200));
        var first = client.CreateReceiver("shop-events", "projector", new() { Prefetch = 50 });
        await TestEvents.ReceiveAsync(first, 10, Token);

        await first.DisposeAsync();

        var all = await TestEvents.ReceiveAsync(Receiver(), 200, Token);
        Assert.Equal(Enumerable.Range(0, 200), all.Select(TestEvents.Number).Order());
        Assert.All(all, one => Assert.Equal(1, one.DeliveryCount));
    }

    [Fact]
    public async Task Waiting_for_messages_can_be_cancelled()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var waiting = Receiver().ReceiveBatchAsync(1, cancel.Token).AsTask();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private EventReceiver Receiver() => client.CreateReceiver("shop-events", "projector");

    private async Task PublishAsync(IReadOnlyList<CloudEvent> events)
    {
        await using var publisher = client.CreatePublisher("shop-events");
        Assert.All(await publisher.PublishAsync(events, Token), result => Assert.Equal(PublishStatus.Accepted, result.Status));
    }

    /// <summary>A marker that arrives alone proves that nothing was before it; nobody else may be receiving.</summary>
    private async Task AssertEmptyAsync(EventReceiver receiver)
    {
        if (receiver.State.Entity.EndsWith("DeadLetterQueue", StringComparison.Ordinal)) return;
        await PublishAsync([TestEvents.Create(999_999)]);
        var marker = await TestEvents.ReceiveAsync(receiver, 1, Token);
        Assert.Equal([999_999], marker.Select(TestEvents.Number));
        await receiver.CompleteAsync(marker, Token);
    }
}
