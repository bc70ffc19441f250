using System.Text;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace Shop.Tests.Local.ServiceBus;

/// <summary>An AMQP client as a service would be one, for tests.</summary>
internal sealed class BrokerClient : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly Connection connection;
    private readonly Session session;
    private readonly List<(string Entity, SenderLink Requests, ReceiverLink Replies)> management = [];
    private int links;

    private BrokerClient(Connection connection)
    {
        this.connection = connection;
        session = new Session(connection);
    }

    public Connection Connection => connection;

    public static async Task<BrokerClient> ConnectAsync(int port) =>
        new(await new ConnectionFactory().CreateAsync(new Address("127.0.0.1", port, null, null, "/", "amqp")));

    public SenderLink Sender(string entity) => new(session, $"sender-{links++}", entity);

    public ReceiverLink Receiver(string entity, int credit = 100, CreditMode mode = CreditMode.Auto)
    {
        var attach = new Attach { Source = new Source { Address = entity }, Target = new Target(), RcvSettleMode = ReceiverSettleMode.Second };
        var receiver = new ReceiverLink(session, $"receiver-{links++}", attach, null);
        receiver.SetCredit(credit, mode);
        return receiver;
    }

    public async Task SendAsync(string entity, params IEnumerable<string> bodies)
    {
        var sender = Sender(entity);
        foreach (var body in bodies) await sender.SendAsync(Text(body), Patience);
        await sender.CloseAsync();
    }

    public static Amqp.Message Text(string body) => new() { BodySection = new Data { Binary = Encoding.UTF8.GetBytes(body) }, Properties = new Properties { MessageId = body } };

    public static string Text(Amqp.Message message) => Encoding.UTF8.GetString(message.GetBody<byte[]>());

    public static Guid LockToken(Amqp.Message message) => new(message.DeliveryTag);

    public async Task<Map?> ManageAsync(string entity, string operation, Map body)
    {
        var (status, answer) = await RequestAsync(entity, operation, body);
        Assert.True(status == 200, $"{operation}: {status}");
        return answer;
    }

    public async Task<(int Status, Map? Body)> RequestAsync(string entity, string operation, Map body)
    {
        var (_, requests, replies) = management.Find(item => item.Entity == entity);
        if (requests is null) (requests, replies) = AttachManagement(entity);
        var request = new Amqp.Message
        {
            Properties = new Properties { MessageId = Guid.CreateVersion7().ToString(), ReplyTo = replies.Name },
            ApplicationProperties = new ApplicationProperties { ["operation"] = operation },
            BodySection = new AmqpValue { Value = body },
        };
        await requests.SendAsync(request, Patience);
        var reply = await replies.ReceiveAsync(Patience);
        Assert.NotNull(reply);
        replies.Accept(reply);
        return ((int)reply.ApplicationProperties["status-code"], reply.Body as Map);
    }

    /// <summary>Settles by lock token and waits until the broker has confirmed it.</summary>
    public Task<Map?> CompleteAsync(string entity, params IEnumerable<Amqp.Message> messages) => ManageAsync(entity, "com.microsoft:update-disposition",
        new Map { ["disposition-status"] = "completed", ["lock-tokens"] = messages.Select(LockToken).ToArray() });

    /// <summary>What a mailbox holds, bodies in sequence order.</summary>
    public async Task<List<Amqp.Message>> PeekAsync(string entity)
    {
        List<Amqp.Message> all = [];
        for (var from = 0L; ;)
        {
            var (status, body) = await RequestAsync(entity, "com.microsoft:peek-message", new Map { ["from-sequence-number"] = from, ["message-count"] = 250 });
            if (status == 204) return all;
            foreach (var item in (List)body!["messages"])
            {
                var bytes = (byte[])((Map)item)["message"];
                all.Add(Amqp.Message.Decode(new ByteBuffer(bytes, 0, bytes.Length, bytes.Length)));
            }

            from = SequenceNumber(all[^1]) + 1;
        }
    }

    public static long SequenceNumber(Amqp.Message message) => (long)message.MessageAnnotations[new Symbol("x-opt-sequence-number")];

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!connection.IsClosed) await connection.CloseAsync(Patience, null);
        }
        catch (AmqpException) when (connection.IsClosed)
        {
            // The broker has gone at the same moment.
        }
    }

    private (SenderLink, ReceiverLink) AttachManagement(string entity)
    {
        var name = $"reply-{links++}";
        var replies = new ReceiverLink(session, name,
            new Attach { Source = new Source { Address = $"{entity}/$management" }, Target = new Target { Address = name } }, null);
        replies.SetCredit(10, CreditMode.Auto);
        var requests = Sender($"{entity}/$management");
        management.Add((entity, requests, replies));
        return (requests, replies);
    }
}
