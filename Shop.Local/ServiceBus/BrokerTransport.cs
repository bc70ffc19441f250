using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Amqp;
using Amqp.Listener;

namespace Shop.Local.ServiceBus;

/// <summary>
/// The bytes of one connection between its socket and the AMQP library: reads wait while the engine has too much to do, frames are
/// looked over before the library decodes them, and what waits to be sent is counted.
/// </summary>
internal sealed class BrokerTransport(Socket socket, SocketReader reader, FrameGuard guard, BrokerEngine engine, Authorization authorization, TimeSpan openTimeout)
    : IAsyncTransport, IDisposable
{
    private const long CongestedAt = 8 * 1024 * 1024;
    private static readonly ConditionalWeakTable<Connection, BrokerTransport> Transports = [];
    private readonly CancellationTokenSource opening = new(openTimeout);
    private long queued;
    private bool isHeaderRead;
    private bool isOpen;
    private bool isClosed;

    /// <summary>The links on which this connection gets the answers to its requests.</summary>
    public ConcurrentDictionary<string, ListenerLink> ReplyLinks { get; } = new(StringComparer.Ordinal);

    public event Action? Drained;

    public event Action? Closed;

    public Authorization Authorization { get; } = authorization;

    /// <summary>Whether so much waits to be sent that no more messages should be handed to this connection.</summary>
    public bool IsCongested => Volatile.Read(ref queued) >= CongestedAt;

    public static BrokerTransport? Of(Connection connection) => Transports.TryGetValue(connection, out var transport) ? transport : null;

    public void SetConnection(Connection connection) => Transports.AddOrUpdate(connection, this);

    public void Queued(int bytes) => Interlocked.Add(ref queued, bytes);

    public async Task<int> ReceiveAsync(byte[] buffer, int offset, int count)
    {
        await engine.WaitForRoomAsync();
        await reader.ReadAsync(buffer.AsMemory(offset, count), isOpen ? CancellationToken.None : opening.Token);
        // The library reads an 8-byte protocol header, and then for each frame 4 bytes of size and the rest.
        if (!isHeaderRead)
        {
            isHeaderRead = true;
            return count;
        }

        if (count == 4)
        {
            FrameGuard.ExpectFrame(buffer.AsSpan(offset, 4));
            return count;
        }

        guard.CheckFrame(buffer.AsSpan(offset, count));
        if (!isOpen)
        {
            isOpen = true;
            opening.CancelAfter(Timeout.InfiniteTimeSpan);
        }

        return count;
    }

    public async Task SendAsync(IList<ByteBuffer> bufferList, int listSize)
    {
        // Leave the caller's thread, which is often the engine's; what it sends meanwhile goes out with the next call.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var segments = new ArraySegment<byte>[bufferList.Count];
        for (var i = 0; i < segments.Length; i++) segments[i] = new ArraySegment<byte>(bufferList[i].Buffer, bufferList[i].Offset, bufferList[i].Length);
        for (var sent = 0; sent < listSize;)
        {
            sent += await socket.SendAsync(segments, SocketFlags.None);
            if (sent < listSize) segments = Rest(bufferList, sent);
        }

        var counted = Math.Min(Volatile.Read(ref queued), listSize);
        var after = Interlocked.Add(ref queued, -counted);
        // By what it was at the subtraction: between it and a look before, the engine may have found the connection congested.
        if (after + counted >= CongestedAt && after < CongestedAt) Drained?.Invoke();
    }

    public void Send(ByteBuffer buffer) => throw new NotSupportedException("The library sends through SendAsync.");

    public int Receive(byte[] buffer, int offset, int count) => throw new NotSupportedException("The library reads through ReceiveAsync.");

    public void Close()
    {
        if (Interlocked.Exchange(ref isClosed, true)) return;
        socket.Dispose();
        opening.Dispose();
        Closed?.Invoke();
    }

    public void Dispose() => Close();

    private static ArraySegment<byte>[] Rest(IList<ByteBuffer> buffers, int sent)
    {
        List<ArraySegment<byte>> rest = [];
        foreach (var buffer in buffers)
        {
            if (sent < buffer.Length) rest.Add(new ArraySegment<byte>(buffer.Buffer, buffer.Offset + sent, buffer.Length - sent));
            sent = Math.Max(0, sent - buffer.Length);
        }

        return [.. rest];
    }
}
