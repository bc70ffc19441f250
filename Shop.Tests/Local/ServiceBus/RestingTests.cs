using System.Text;
using Amqp.Framing;
using Amqp.Types;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

/// <summary>Long queues: what is beyond the first few thousand messages rests in the log.</summary>
public sealed class RestingTests : IDisposable
{
    private const string Queue = "work";
    private const string DeadLetters = "work/$DeadLetterQueue";
    private const int Messages = 500;
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public void A_long_queue_keeps_its_first_messages_in_memory_and_a_bit_of_each_other_one_also_after_a_restart()
    {
        const int count = 50_000;
        for (var start = 0; start < 2; start++)
        {
            using var log = MessageLog.Open(directory.Path, fsync: false, segmentSize: 1024 * 1024);
            var engine = new BrokerEngine(TimeProvider.System, log, bodyCacheSize: 1024 * 1024);
            EntityBuilder.Build(engine, BrokerEntities.Shop);
            log.Replay(engine);
            var mailbox = engine.MailboxesByName["shop-events/Subscriptions/projector"];
            if (start == 0)
            {
                var encoded = BrokerClient.Text("short").Encode();
                var bytes = encoded.Buffer.AsSpan(encoded.Offset, encoded.Length).ToArray();
                for (var i = 0; i < count; i += 100)
                {
                    Publishing.Publish(engine, engine.Destinations["shop-events"], [.. Enumerable.Repeat(MessageFormat.Parse(bytes), 100)]);
                    log.Flush();
                }
            }

            Assert.Equal(count, mailbox.Index.Count);
            Assert.InRange(mailbox.Index.InMemoryCount, 0, 10_000);
            Assert.Equal("short", Encoding.UTF8.GetString(((Data)Amqp.Message.Decode(Buffer(log, mailbox.Destination!, count / 2)).BodySection).Binary));
        }
    }

    [Fact]
    public async Task Resting_messages_are_peeked_received_in_order_dead_lettered_and_there_after_a_restart()
    {
        await using (var broker = await StartAsync())
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            await client.SendAsync(Queue, Bodies(0));
            Assert.Equal(Bodies(0), (await client.PeekAsync(Queue)).Select(BrokerClient.Text));
            var taken = await TakeAsync(client, Messages / 2);
            Assert.Equal(Bodies(0).Take(Messages / 2), taken.Select(BrokerClient.Text));
            await client.CompleteAsync(Queue, taken.Skip(2));
            await SettleAsync(client, taken[0], "suspended");
            await SettleAsync(client, taken[1], "defered");
        }

        await using (var broker = await StartAsync())
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            Assert.Equal(["0-000"], (await client.PeekAsync(DeadLetters)).Select(BrokerClient.Text));
            await client.SendAsync(Queue, Bodies(1));
            var taken = await TakeAsync(client, (Messages / 2) + Messages);
            Assert.Equal(Bodies(0).Skip(Messages / 2).Concat(Bodies(1)), taken.Select(BrokerClient.Text));
            await client.CompleteAsync(Queue, taken);
            Assert.Equal(["0-001"], (await client.PeekAsync(Queue)).Select(BrokerClient.Text));
        }
    }

    [Fact]
    public async Task Resting_messages_outlive_the_rewriting_of_their_segments()
    {
        await using (var broker = await StartAsync())
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            await client.SendAsync("kept", Bodies(0));
            for (var round = 1; round < 10; round++)
            {
                await client.SendAsync(Queue, Bodies(round));
                await client.CompleteAsync(Queue, await TakeAsync(client, Messages));
            }
        }

        Assert.DoesNotContain(Directory.GetFiles(directory.Path), path => path.EndsWith("000001.log", StringComparison.Ordinal));
        await using (var broker = await StartAsync())
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            Assert.Equal(Bodies(0), (await client.PeekAsync("kept")).Select(BrokerClient.Text));
            Assert.Equal(Bodies(0), (await TakeAsync(client, Messages, "kept")).Select(BrokerClient.Text));
        }
    }

    [Fact]
    public async Task Resting_messages_expire_in_time_whatever_lives_longer_in_front_of_them()
    {
        await using var broker = await StartAsync();
        await using var client = await BrokerClient.ConnectAsync(broker.Port);
        var sender = client.Sender(Queue);
        for (var i = 0; i < 40; i++)
        {
            var message = BrokerClient.Text($"{i:D3}");
            message.Header = new Header { Ttl = i % 4 == 0 ? 600_000u : 300u };
            await sender.SendAsync(message, BrokerClient.Patience);
        }

        await Eventually.TrueAsync(async () => (await client.PeekAsync(DeadLetters)).Count == 30, "the short-lived ones are dead letters", Cancellation);
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i * 4:D3}"), (await client.PeekAsync(Queue)).Select(BrokerClient.Text));
    }

    private static Amqp.ByteBuffer Buffer(MessageLog log, Destination destination, long sequenceNumber)
    {
        var bytes = log.Load(destination, sequenceNumber).Bytes!;
        return new Amqp.ByteBuffer(bytes, 0, bytes.Length, bytes.Length);
    }

    private static IEnumerable<string> Bodies(int round) => Enumerable.Range(0, Messages).Select(number => $"{round}-{number:D3}");

    private static async Task<List<Amqp.Message>> TakeAsync(BrokerClient client, int count, string queue = Queue)
    {
        var receiver = client.Receiver(queue, count, Amqp.CreditMode.Manual);
        List<Amqp.Message> taken = [];
        while (taken.Count < count)
        {
            var message = await receiver.ReceiveAsync(BrokerClient.Patience);
            Assert.NotNull(message);
            taken.Add(message);
        }

        await receiver.CloseAsync();
        return taken;
    }

    private static Task<Map?> SettleAsync(BrokerClient client, Amqp.Message message, string status) => client.ManageAsync(
        Queue, "com.microsoft:update-disposition", new Map { ["disposition-status"] = status, ["lock-tokens"] = new[] { BrokerClient.LockToken(message) } });

    /// <summary>Without room for bodies in memory everything rests that may.</summary>
    private Task<BrokerServer> StartAsync() => BrokerServer.StartAsync(new BrokerOptions
    {
        DataDirectory = directory.Path,
        BodyCacheSize = -1,
        SegmentSize = 32 * 1024,
        Entities = new([new QueueDefinition(Queue, new() { DeadLetteringOnMessageExpiration = true }), new QueueDefinition("kept", new())], []),
    }, Cancellation);
}
