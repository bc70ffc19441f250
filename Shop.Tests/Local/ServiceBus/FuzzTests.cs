using System.Net;
using System.Net.Sockets;
using CsCheck;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

public sealed class FuzzTests
{
    private const string Topic = "shop-events";
    private const string Subscription = "shop-events/Subscriptions/projector";

    [Fact]
    public async Task A_broken_client_hurts_nobody_else()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), cancellationToken);
        var conversation = await RecordAsync(broker.Port, cancellationToken);
        Assert.True(conversation.Length > 500);
        await using var bystander = await BrokerClient.ConnectAsync(broker.Port);
        var sender = bystander.Sender(Topic);
        var change = Gen.Select(Gen.Int[0, conversation.Length - 1], Gen.Byte);
        await Gen.Select(change.Array[1, 8], Gen.Int[1, conversation.Length]).SampleAsync(async (changes, length) =>
        {
            var bytes = conversation[..Math.Max(length, conversation.Length / 2)];
            foreach (var (at, value) in changes)
            {
                if (at < bytes.Length) bytes[at] = value;
            }

            await SendAsync(broker.Port, bytes, cancellationToken);
        }, iter: 1000, threads: 1);
        await sender.SendAsync(BrokerClient.Text("still here"), BrokerClient.Patience);
        Assert.Contains("still here", (await bystander.PeekAsync(Subscription)).Select(BodyOrNothing));
        Assert.False(broker.Completion.IsCompleted);
    }

    private static string BodyOrNothing(Amqp.Message message) => message.BodySection is Amqp.Framing.Data ? BrokerClient.Text(message) : "";

    /// <summary>The bytes that a client sends which publishes, receives, settles in every way and asks for management.</summary>
    private static async Task<byte[]> RecordAsync(int port, CancellationToken cancellationToken)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var recording = ForwardAsync(listener, port, cancellationToken);
        await using (var client = await BrokerClient.ConnectAsync(((IPEndPoint)listener.LocalEndpoint).Port))
        {
            await client.SendAsync(Topic, "1", "2", "3", "4");
            var receiver = client.Receiver(Subscription);
            receiver.Accept(await receiver.ReceiveAsync(BrokerClient.Patience));
            receiver.Reject(await receiver.ReceiveAsync(BrokerClient.Patience));
            receiver.Modify(await receiver.ReceiveAsync(BrokerClient.Patience), deliveryFailed: true, undeliverableHere: true);
            await client.CompleteAsync(Subscription, await receiver.ReceiveAsync(BrokerClient.Patience));
        }

        return await recording;
    }

    private static async Task<byte[]> ForwardAsync(TcpListener listener, int port, CancellationToken cancellationToken)
    {
        using var client = await listener.AcceptTcpClientAsync(cancellationToken);
        using var server = new TcpClient();
        await server.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        var back = server.GetStream().CopyToAsync(client.GetStream(), cancellationToken);
        using var recorded = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await client.GetStream().ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            recorded.Write(buffer, 0, count);
            await server.GetStream().WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }

        server.Close();
        await back.ContinueWith(_ => { }, TaskScheduler.Default);
        return recorded.ToArray();
    }

    private static async Task SendAsync(int port, byte[] bytes, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        try
        {
            await socket.SendAsync(bytes, cancellationToken);
            socket.Shutdown(SocketShutdown.Send);
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, cancellationToken) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // The broker has hung up, which is its right.
        }
    }
}
