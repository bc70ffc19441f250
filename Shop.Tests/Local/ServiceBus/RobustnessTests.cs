using System.Net.Sockets;
using Amqp;
using Amqp.Framing;
using CsCheck;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

public sealed class RobustnessTests : IAsyncLifetime
{
    private const string Topic = "shop-events";
    private const string Subscription = "shop-events/Subscriptions/projector";
    private static readonly byte[] AmqpHeader = [.. "AMQP"u8, 0, 1, 0, 0];
    private static readonly byte[] SaslHeader = [.. "AMQP"u8, 3, 1, 0, 0];
    private BrokerServer broker = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => broker = await BrokerServer.StartAsync(
        new BrokerOptions { MaxMessageSize = 64 * 1024 }, Cancelled);

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public async Task Silent_clients_hold_up_nobody_and_are_hung_up_on()
    {
        await using var impatient = await BrokerServer.StartAsync(new BrokerOptions { HandshakeTimeout = TimeSpan.FromSeconds(2) }, Cancelled);
        List<Socket> silent = [];
        for (var i = 0; i < 100; i++) silent.Add(await ConnectAsync(i % 3 == 0 ? [] : i % 3 == 1 ? SaslHeader : AmqpHeader, impatient));
        await WorksAsync("while others are silent", impatient);
        foreach (var socket in silent)
        {
            var buffer = new byte[256];
            while (await ReadAsync(socket, buffer) > 0)
            {
            }

            socket.Dispose();
        }
    }

    [Fact]
    public async Task Five_hundred_connections_at_once_are_served()
    {
        var clients = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => BrokerClient.ConnectAsync(broker.Port)));
        await Task.WhenAll(clients.Select((client, i) => client.SendAsync(Topic, $"{i}")));
        Assert.Equal(500, (await clients[0].PeekAsync(Subscription)).Count);
        foreach (var client in clients) await client.DisposeAsync();
    }

    [Fact]
    public async Task Garbage_frames_end_their_own_connection_only()
    {
        await using var bystander = await BrokerClient.ConnectAsync(broker.Port);
        var receiver = bystander.Receiver(Subscription);
        await Gen.Byte.Array[0, 400].SampleAsync(async garbage =>
        {
            using var socket = await ConnectAsync(AmqpHeader);
            var size = garbage.Length + 8;
            await socket.SendAsync((byte[])[(byte)(size >> 24), (byte)(size >> 16), (byte)(size >> 8), (byte)size, 2, 0, 0, 0, .. garbage], Cancelled);
        }, iter: 200, threads: 1);
        await bystander.SendAsync(Topic, "still here");
        Assert.Equal("still here", BrokerClient.Text(await receiver.ReceiveAsync(BrokerClient.Patience)));
    }

    [Fact]
    public async Task A_deeply_nested_frame_does_not_overflow_the_stack()
    {
        using var socket = await ConnectAsync(AmqpHeader);
        var frame = new byte[60_000];
        (frame[1], frame[2], frame[3], frame[4]) = (frame.Length >> 16 > 0 ? (byte)(frame.Length >> 16) : (byte)0, (byte)(frame.Length >> 8), unchecked((byte)frame.Length), 2);
        await socket.SendAsync(frame, Cancelled);
        await WorksAsync("after a nested frame");
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 0, 0x53, 0x75, 0xb0, 0xff, 0xff, 0xff, 0xff })]
    [InlineData(new byte[] { 0, 0x53, 0x70, 0xc0, 1, 0 })]
    public async Task What_is_no_message_is_rejected_and_the_link_goes_on(byte[] body)
    {
        await using var client = await BrokerClient.ConnectAsync(broker.Port);
        var sender = client.Sender(Topic);
        var outcome = await SendRawAsync(sender, body);
        Assert.Equal("amqp:decode-error", Assert.IsType<Rejected>(outcome).Error.Condition.ToString());
        await sender.SendAsync(BrokerClient.Text("good"), BrokerClient.Patience);
    }

    [Fact]
    public async Task A_message_over_the_limit_is_rejected_and_one_far_over_it_ends_the_connection()
    {
        await using var client = await BrokerClient.ConnectAsync(broker.Port);
        var sender = client.Sender(Topic);
        var error = await Assert.ThrowsAsync<AmqpException>(() => sender.SendAsync(BrokerClient.Text(new string('x', 70_000)), BrokerClient.Patience));
        Assert.Equal("amqp:link:message-size-exceeded", error.Error.Condition.ToString());
        await sender.SendAsync(BrokerClient.Text("good"), BrokerClient.Patience);
        await Assert.ThrowsAnyAsync<Exception>(() => sender.SendAsync(BrokerClient.Text(new string('x', 3_000_000)), BrokerClient.Patience));
        await WorksAsync("after a huge message");
    }

    [Fact]
    public async Task A_receiver_gets_no_more_than_its_credit_and_the_rest_after_it()
    {
        await using var client = await BrokerClient.ConnectAsync(broker.Port);
        await client.SendAsync(Topic, Enumerable.Range(0, 10).Select(i => $"{i}"));
        var receiver = client.Receiver(Subscription, credit: 3, CreditMode.Manual);
        List<string> received = [];
        while (received.Count < 3) received.Add(BrokerClient.Text(await receiver.ReceiveAsync(BrokerClient.Patience)));
        await receiver.CloseAsync();
        var other = client.Receiver(Subscription);
        while (received.Count < 10) received.Add(BrokerClient.Text(await other.ReceiveAsync(BrokerClient.Patience)));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i}"), received.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_operation_that_is_not_supported_says_so()
    {
        await using var client = await BrokerClient.ConnectAsync(broker.Port);
        var (status, _) = await client.RequestAsync(Subscription, "com.microsoft:add-rule", []);
        Assert.Equal(501, status);
        var (malformed, _) = await client.RequestAsync(Subscription, "com.microsoft:renew-lock", []);
        Assert.Equal(400, malformed);
        await WorksAsync("after a malformed request");
    }

    private async Task WorksAsync(string body, BrokerServer? with = null)
    {
        await using var client = await BrokerClient.ConnectAsync((with ?? broker).Port);
        await client.SendAsync(Topic, body);
        Assert.Contains(body, (await client.PeekAsync(Subscription)).Select(BrokerClient.Text));
    }

    private async Task<Socket> ConnectAsync(byte[] first, BrokerServer? to = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", (to ?? broker).Port, Cancelled);
        if (first.Length > 0) await socket.SendAsync(first, Cancelled);
        return socket;
    }

    private static async Task<int> ReadAsync(Socket socket, byte[] buffer)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        deadline.CancelAfter(BrokerClient.Patience);
        try
        {
            return await socket.ReceiveAsync(buffer.AsMemory(), deadline.Token);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <summary>Sends bytes as the only message of a batch, which a client does not look into.</summary>
    private static async Task<Outcome> SendRawAsync(SenderLink sender, byte[] bytes)
    {
        var done = new TaskCompletionSource<Outcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        sender.Send(new Message { BodySection = new Data { Binary = bytes }, Format = 0x80013700 }, (_, _, outcome, _) => done.TrySetResult(outcome), null);
        return await done.Task.WaitAsync(BrokerClient.Patience, Cancelled);
    }
}
