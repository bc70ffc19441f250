using Amqp.Framing;
using Amqp.Types;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

public sealed class DurabilityTests : IDisposable
{
    private const string Topic = "shop-events";
    private const string Subscription = "shop-events/Subscriptions/projector";
    private const string DeadLetters = Subscription + "/$DeadLetterQueue";
    private static readonly BrokerEntities WithSessions = new([new QueueDefinition("sessions", new ReceiveProperties { RequiresSession = true })], []);
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Every_state_of_a_message_survives_a_restart()
    {
        long deferred;
        await using (var broker = await StartAsync())
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            await client.SendAsync(Topic, "completed", "abandoned", "deferred", "dead", "untouched");
            var receiver = client.Receiver(Subscription, credit: 4);
            var messages = new Dictionary<string, Amqp.Message>();
            for (var i = 0; i < 4; i++)
            {
                var message = await receiver.ReceiveAsync(BrokerClient.Patience);
                messages[BrokerClient.Text(message)] = message;
            }

            deferred = BrokerClient.SequenceNumber(messages["deferred"]);
            await client.CompleteAsync(Subscription, messages["completed"]);
            await SettleAsync(client, messages["dead"], "suspended", ("deadletter-reason", "r"), ("deadletter-description", "d"));
            await SettleAsync(client, messages["deferred"], "defered");
            await receiver.CloseAsync();
            await SettleAsync(client, messages["abandoned"], "abandoned");
            var message2 = BrokerClient.Text("scheduled");
            message2.MessageAnnotations = new MessageAnnotations { Map = { [new Symbol("x-opt-scheduled-enqueue-time")] = new DateTime(2100, 1, 1, 0, 0, 0, DateTimeKind.Utc) } };
            await client.Sender(Topic).SendAsync(message2, BrokerClient.Patience);
        }

        await using (var broker = await StartAsync())
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            var held = (await client.PeekAsync(Subscription)).ToDictionary(BrokerClient.Text);
            Assert.Equal(["abandoned", "deferred", "untouched", "scheduled"], held.Keys);
            Assert.Equal(1u, held["abandoned"].Header.DeliveryCount);
            Assert.Equal([0, 1, 0, 2], held.Values.Select(message => (int)message.MessageAnnotations[new Symbol("x-opt-message-state")]));
            var dead = Assert.Single(await client.PeekAsync(DeadLetters));
            Assert.Equal("dead", BrokerClient.Text(dead));
            Assert.Equal("r", dead.ApplicationProperties["DeadLetterReason"]);
            Assert.Equal("d", dead.ApplicationProperties["DeadLetterErrorDescription"]);
            var answer = await client.ManageAsync(Subscription, "com.microsoft:receive-by-sequence-number",
                new Map { ["sequence-numbers"] = new[] { deferred }, ["receiver-settle-mode"] = 1u });
            Assert.Single((List)answer!["messages"]);
            await client.SendAsync(Topic, "new");
            Assert.True((await client.PeekAsync(Subscription)).Select(BrokerClient.SequenceNumber).Distinct().Count() == 5);
        }
    }

    [Fact]
    public async Task A_session_state_survives_a_restart()
    {
        await using (var broker = await StartAsync(WithSessions))
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            await using var session = await SessionReceiver.AcceptAsync(client, "sessions", "s");
            await client.ManageAsync("sessions", "com.microsoft:set-session-state", new Map { ["session-id"] = "s", ["session-state"] = new byte[] { 1, 2 } });
        }

        await using (var broker = await StartAsync(WithSessions))
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            await using var session = await SessionReceiver.AcceptAsync(client, "sessions", "s");
            var answer = await client.ManageAsync("sessions", "com.microsoft:get-session-state", new Map { ["session-id"] = "s" });
            Assert.Equal([1, 2], (byte[])answer!["session-state"]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(20)]
    public async Task A_torn_tail_is_cut_and_the_rest_is_there(int bytesLost)
    {
        await FillAsync("one", "two", "three");
        var newest = Segments()[^1];
        using (var file = File.Open(newest, FileMode.Open)) file.SetLength(file.Length - bytesLost);
        await using var broker = await StartAsync();
        await using var client = await BrokerClient.ConnectAsync(broker.Port);
        Assert.Equal(["one", "two"], (await client.PeekAsync(Subscription)).Select(BrokerClient.Text));
        await client.SendAsync(Topic, "four");
        Assert.Equal(["one", "two", "four"], (await client.PeekAsync(Subscription)).Select(BrokerClient.Text));
    }

    [Fact]
    public async Task A_damaged_older_segment_is_refused_in_one_sentence()
    {
        await FillAsync("one");
        await FillAsync("two");
        var bytes = await File.ReadAllBytesAsync(Segments()[0], Cancelled);
        bytes[^5] ^= 0xff;
        await File.WriteAllBytesAsync(Segments()[0], bytes, Cancelled);
        var error = await Assert.ThrowsAsync<BrokerStartException>(() => StartAsync());
        Assert.Contains("is damaged at byte", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_directory_serves_one_broker_at_a_time()
    {
        await using var broker = await StartAsync();
        var error = await Assert.ThrowsAsync<BrokerStartException>(() => StartAsync());
        Assert.Contains("in use by another broker", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_of_an_entity_that_is_no_longer_defined_are_not_dropped_silently()
    {
        await FillAsync("one");
        var error = await Assert.ThrowsAsync<BrokerStartException>(() => StartAsync(WithSessions));
        Assert.Contains("holds 1 messages of 'shop-events/Subscriptions/projector'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settled_segments_are_dropped_and_what_is_left_of_old_ones_is_kept()
    {
        var payload = new string('x', 2000);
        await using (var broker = await StartAsync(segmentSize: 64 * 1024))
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            await client.SendAsync(Topic, "kept");
            var kept = await client.Receiver(Subscription, credit: 1).ReceiveAsync(BrokerClient.Patience);
            await SettleAsync(client, kept, "defered");
            var receiver = client.Receiver(Subscription);
            for (var round = 0; round < 10; round++)
            {
                await client.SendAsync(Topic, Enumerable.Range(0, 100).Select(i => $"{round}-{i}-{payload}"));
                List<Amqp.Message> messages = [];
                while (messages.Count < 100) messages.Add(await receiver.ReceiveAsync(BrokerClient.Patience));
                await client.CompleteAsync(Subscription, messages);
                foreach (var message in messages) receiver.Accept(message);
            }
        }

        Assert.True(Segments().Sum(path => new FileInfo(path).Length) < 512 * 1024, "the log has not shrunk");
        await using (var broker = await StartAsync())
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
            Assert.Equal(["kept"], (await client.PeekAsync(Subscription)).Select(BrokerClient.Text));
    }

    private static Task<Map?> SettleAsync(BrokerClient client, Amqp.Message message, string status, params (string Key, string Value)[] more)
    {
        var body = new Map { ["disposition-status"] = status, ["lock-tokens"] = new[] { BrokerClient.LockToken(message) } };
        foreach (var (key, value) in more) body[key] = value;
        return client.ManageAsync(Subscription, "com.microsoft:update-disposition", body);
    }

    private Task<BrokerServer> StartAsync(BrokerEntities? entities = null, int segmentSize = 1024 * 1024) => BrokerServer.StartAsync(
        new BrokerOptions { DataDirectory = directory.Path, Entities = entities ?? BrokerEntities.Shop, SegmentSize = segmentSize, BodyCacheSize = 0 }, Cancelled);

    private async Task FillAsync(params string[] bodies)
    {
        await using var broker = await StartAsync();
        await using var client = await BrokerClient.ConnectAsync(broker.Port);
        await client.SendAsync(Topic, bodies);
    }

    private List<string> Segments() => [.. Directory.GetFiles(directory.Path, "*.log").Order(StringComparer.Ordinal)];
}
