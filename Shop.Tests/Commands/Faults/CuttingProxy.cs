using System.Net;
using System.Net.Sockets;

namespace Shop.Tests.Commands.Faults;

/// <summary>
/// A TCP proxy in front of PostgreSQL that can cut a connection exactly at COMMIT: before the server has heard of it, while it works on it, or
/// after it has committed and before the client has heard of that. It can also hold a write back, as if its process were frozen after the load.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly int serverPort;
    private readonly Task accepting;
    private int answersToSwallow;
    private int commitsToDrop;
    private int commitsToPassOn;
    private int cuts;
    private volatile HeldWrite? hold;

    public CuttingProxy(int serverPort)
    {
        this.serverPort = serverPort;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>How many connections have been cut.</summary>
    public int Cuts => Volatile.Read(ref cuts);

    /// <summary>The next so many answers that say COMMIT are swallowed, and their connections cut.</summary>
    public void SwallowCommitAnswers(int count) => Interlocked.Exchange(ref answersToSwallow, count);

    /// <summary>The next so many requests that write to the outbox are dropped, and their connections cut.</summary>
    public void DropWrites(int count) => Interlocked.Exchange(ref commitsToDrop, count);

    /// <summary>The next so many requests that write to the outbox are passed on, and their connections cut at once, whatever the server still does.</summary>
    public void CutAfterWrites(int count) => Interlocked.Exchange(ref commitsToPassOn, count);

    /// <summary>The next request that writes to the outbox waits until <see cref="ReleaseWrite"/>; the task says that it does.</summary>
    public Task HoldNextWrite()
    {
        var held = new HeldWrite();
        hold = held;
        return held.Arrived.Task;
    }

    public void ReleaseWrite() => hold!.Released.TrySetResult();

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, serverPort, stopping.Token);
                (client.NoDelay, server.NoDelay) = (true, true);
                using var connection = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
                var up = CopyAsync(client.GetStream(), server.GetStream(), IsWrite, IsOutboxWrite, connection.Token);
                var down = CopyAsync(server.GetStream(), client.GetStream(), IsCommitAnswer, _ => false, connection.Token);
                await Task.WhenAny(up, down);
                await connection.CancelAsync();
                await Task.WhenAll(up, down);
            }
            catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException)
            {
                // Either side is gone, or was cut: both connections end here.
                return;
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, Func<ReadOnlyMemory<byte>, bool> cut, Func<ReadOnlyMemory<byte>, bool> mayBeHeld, CancellationToken cancellationToken)
    {
        var buffer = new byte[256 * 1024];
        int read;
        while ((read = await from.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (cut(buffer.AsMemory(0, read)))
            {
                Interlocked.Increment(ref cuts);
                return;
            }

            if (hold is { } held && mayBeHeld(buffer.AsMemory(0, read)) && held.Arrived.TrySetResult())
                await held.Released.Task.WaitAsync(cancellationToken);
            var isLast = mayBeHeld(buffer.AsMemory(0, read)) && Take(ref commitsToPassOn);
            await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            if (!isLast) continue;
            Interlocked.Increment(ref cuts);
            return;
        }
    }

    // CommandComplete with the tag COMMIT.
    private bool IsCommitAnswer(ReadOnlyMemory<byte> data) => data.Span.IndexOf("COMMIT\0"u8) >= 0 && Take(ref answersToSwallow);

    // An event's type stands in what is sent only when the outbox is written.
    private static bool IsOutboxWrite(ReadOnlyMemory<byte> data) => data.Span.IndexOf("shop.order."u8) >= 0;

    private bool IsWrite(ReadOnlyMemory<byte> data) => IsOutboxWrite(data) && Take(ref commitsToDrop);

    private static bool Take(ref int count)
    {
        if (Interlocked.Decrement(ref count) >= 0) return true;
        Interlocked.Increment(ref count);
        return false;
    }

    private sealed class HeldWrite
    {
        public TaskCompletionSource Arrived { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        stopping.Dispose();
    }
}
