using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MongoDB.Bson;
using MongoDB.Driver;

namespace Shop.Tests.Projector;

/// <summary>
/// Stands before a store and answers the first guarded upsert of orders as MongoDB does when another writer wins the race to insert: error
/// 11000, nothing written. At that moment the other writer's document is there, because the given function writes it.
/// </summary>
internal sealed class RacingStore : IAsyncDisposable
{
    private const int HeaderSize = 16;
    private const int BodyOffset = HeaderSize + sizeof(uint) + 1;
    private const int OpMsg = 2013;
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly int target;
    private readonly Func<Task> otherWriter;
    private readonly Task accepting;
    private int races;

    public RacingStore(string connectionString, Func<Task> otherWriter)
    {
        this.otherWriter = otherWriter;
        var url = new MongoUrlBuilder(connectionString);
        target = url.Server.Port;
        listener.Start();
        ConnectionString = new MongoUrlBuilder(connectionString) { Server = new("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port), DirectConnection = true }.ToString();
        accepting = AcceptAsync();
    }

    public string ConnectionString { get; }

    public int Races => races;

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true) connections.Add(ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient accepted)
    {
        using var client = accepted;
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, target, stopping.Token);
            var back = server.GetStream().CopyToAsync(client.GetStream(), stopping.Token);
            while (await ReadAsync(client.GetStream()) is { } message)
            {
                if (IsFirstOrderUpsert(message))
                {
                    await otherWriter();
                    await client.GetStream().WriteAsync(DuplicateKey(message), stopping.Token);
                }
                else
                {
                    await server.GetStream().WriteAsync(message, stopping.Token);
                }
            }

            server.Close();
            await back;
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The driver or the test is done with this connection.
        }
    }

    private async Task<byte[]?> ReadAsync(NetworkStream stream)
    {
        var length = new byte[sizeof(int)];
        if (await stream.ReadAtLeastAsync(length, length.Length, throwOnEndOfStream: false, stopping.Token) < length.Length) return null;
        var message = new byte[BinaryPrimitives.ReadInt32LittleEndian(length)];
        length.CopyTo(message, 0);
        await stream.ReadExactlyAsync(message.AsMemory(sizeof(int)), stopping.Token);
        return message;
    }

    private bool IsFirstOrderUpsert(byte[] message)
    {
        if (BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(12)) != OpMsg) return false;
        using var body = new RawBsonDocument(message[BodyOffset..(BodyOffset + BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(BodyOffset)))]);
        return body.GetElement(0) is { Name: "update" } update && update.Value == "orders_v1" && Interlocked.CompareExchange(ref races, 1, 0) == 0;
    }

    private static byte[] DuplicateKey(byte[] request)
    {
        var reply = new BsonDocument
        {
            { "n", 0 }, { "nModified", 0 },
            { "writeErrors", new BsonArray { new BsonDocument { { "index", 0 }, { "code", 11000 }, { "errmsg", "E11000 duplicate key error collection: orders_v1 index: _id_" } } } },
            { "ok", 1.0 },
        }.ToBson();
        var message = new byte[BodyOffset + reply.Length];
        BinaryPrimitives.WriteInt32LittleEndian(message, message.Length);
        request.AsSpan(4, sizeof(int)).CopyTo(message.AsSpan(8));
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(12), OpMsg);
        reply.CopyTo(message, BodyOffset);
        return message;
    }
}
