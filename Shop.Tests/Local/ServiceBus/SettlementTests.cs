using Amqp;
using Amqp.Framing;
using Amqp.Types;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

public sealed class SettlementTests : IAsyncLifetime
{
    private const string Queue = "work";
    private const string DeadLetters = "work/$DeadLetterQueue";
    private const string Sessions = "sessions";
    private static readonly TimeSpan LockDuration = TimeSpan.FromSeconds(30);
    private static readonly BrokerEntities Entities = new(
    [
        new QueueDefinition(Queue, new ReceiveProperties { LockDuration = LockDuration, MaxDeliveryCount = 3, DeadLetteringOnMessageExpiration = true }),
        new QueueDefinition(Sessions, new ReceiveProperties { LockDuration = LockDuration, RequiresSession = true }),
    ], []);

    private readonly ManualTime time = new();
    private BrokerServer broker = null!;
    private BrokerClient client = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await BrokerServer.StartAsync(new BrokerOptions { Entities = Entities, Time = time }, TestContext.Current.CancellationToken);
        client = await BrokerClient.ConnectAsync(broker.Port);
    }

    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Released_messages_come_back_uncounted_and_failed_ones_counted_until_they_are_dead_letters()
    {
        await client.SendAsync(Queue, "message");
        var receiver = client.Receiver(Queue);
        receiver.Release(await ReceiveAsync(receiver));
        for (var failures = 0u; failures < 3; failures++)
        {
            var message = await ReceiveAsync(receiver);
            Assert.Equal(failures, message.Header.DeliveryCount);
            receiver.Modify(message, deliveryFailed: true);
        }

        var dead = await ReceiveAsync(client.Receiver(DeadLetters));
        Assert.Equal("MaxDeliveryCountExceeded", dead.ApplicationProperties["DeadLetterReason"]);
        Assert.Empty(await client.PeekAsync(Queue));
    }

    [Fact]
    public async Task A_rejected_message_is_a_dead_letter_with_the_reason_in_its_error()
    {
        await client.SendAsync(Queue, "poison");
        var receiver = client.Receiver(Queue);
        var info = new Fields { [new Symbol("DeadLetterReason")] = "bad", [new Symbol("DeadLetterErrorDescription")] = "very bad" };
        receiver.Reject(await ReceiveAsync(receiver), new Error(new Symbol("com.microsoft:dead-letter")) { Info = info });
        var dead = await ReceiveAsync(client.Receiver(DeadLetters));
        Assert.Equal("bad", dead.ApplicationProperties["DeadLetterReason"]);
        Assert.Equal("very bad", dead.ApplicationProperties["DeadLetterErrorDescription"]);
        Assert.Equal("poison", BrokerClient.Text(dead));
    }

    [Fact]
    public async Task A_lock_that_has_run_out_settles_nothing()
    {
        await client.SendAsync(Queue, "slow");
        var stale = await ReceiveAsync(client.Receiver(Queue, credit: 1, CreditMode.Manual));
        time.Advance(LockDuration);
        var (status, _) = await client.RequestAsync(Queue, "com.microsoft:update-disposition",
            new Map { ["disposition-status"] = "completed", ["lock-tokens"] = new[] { BrokerClient.LockToken(stale) } });
        Assert.Equal(410, status);
        Assert.Equal(1u, (await client.PeekAsync(Queue))[0].Header.DeliveryCount);
    }

    [Fact]
    public async Task A_renewed_lock_holds()
    {
        await client.SendAsync(Queue, "slow");
        var message = await ReceiveAsync(client.Receiver(Queue));
        for (var i = 0; i < 3; i++)
        {
            time.Advance(LockDuration * 0.9);
            await client.ManageAsync(Queue, "com.microsoft:renew-lock", new Map { ["lock-tokens"] = new[] { BrokerClient.LockToken(message) } });
        }

        await client.CompleteAsync(Queue, message);
        Assert.Empty(await client.PeekAsync(Queue));
    }

    [Fact]
    public async Task Returned_messages_are_received_before_newer_ones()
    {
        await client.SendAsync(Queue, "1", "2", "3");
        var first = client.Receiver(Queue, credit: 2, CreditMode.Manual);
        var one = await ReceiveAsync(first);
        var two = await ReceiveAsync(first);
        first.Release(two);
        first.Release(one);
        await client.PeekAsync(Queue);
        var second = client.Receiver(Queue);
        Assert.Equal(["1", "2", "3"], [await TextAsync(second), await TextAsync(second), await TextAsync(second)]);
    }

    [Fact]
    public async Task A_message_that_lives_too_long_is_a_dead_letter()
    {
        var message = BrokerClient.Text("old");
        message.Header = new Header { Ttl = 1000 };
        await client.Sender(Queue).SendAsync(message, BrokerClient.Patience);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(await client.PeekAsync(Queue));
        Assert.Equal("TTLExpiredException", (await client.PeekAsync(DeadLetters))[0].ApplicationProperties["DeadLetterReason"]);
    }

    [Fact]
    public async Task A_session_belongs_to_one_receiver_and_its_messages_come_back_when_it_leaves()
    {
        foreach (var body in new[] { "a", "b" })
        {
            var message = BrokerClient.Text(body);
            message.Properties.GroupId = "s";
            await client.Sender(Sessions).SendAsync(message, BrokerClient.Patience);
        }

        var first = await SessionReceiver.AcceptAsync(client, Sessions, "s");
        first.Link.SetCredit(10);
        Assert.Equal("a", await TextAsync(first.Link));
        await using var refused = await SessionReceiver.AcceptAsync(client, Sessions, "s");
        await Eventually.TrueAsync(() => Task.FromResult(refused.Link.IsClosed), "the refusal", TestContext.Current.CancellationToken);
        Assert.Equal("com.microsoft:session-cannot-be-locked", refused.Link.Error.Condition.ToString());
        await first.DisposeAsync();
        await using var second = await SessionReceiver.AcceptAsync(client, Sessions, null);
        second.Link.SetCredit(10);
        Assert.Equal(["a", "b"], [await TextAsync(second.Link), await TextAsync(second.Link)]);
    }

    private static async Task<Message> ReceiveAsync(ReceiverLink receiver) =>
        await receiver.ReceiveAsync(BrokerClient.Patience) ?? throw new TimeoutException("No message has come.");

    private static async Task<string> TextAsync(ReceiverLink receiver) => BrokerClient.Text(await ReceiveAsync(receiver));

    private sealed class ManualTime : TimeProvider
    {
        private long ticks = System.GetUtcNow().UtcTicks;

        public void Advance(TimeSpan span) => Interlocked.Add(ref ticks, span.Ticks);

        public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref ticks), TimeSpan.Zero);
    }
}
