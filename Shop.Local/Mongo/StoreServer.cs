using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Shop.Local.Mongo.Commands;
using Shop.Local.Mongo.Wire;

namespace Shop.Local.Mongo;

/// <summary>Where a store listens and keeps its data.</summary>
public sealed record StoreOptions
{
    /// <summary>The directory of the log; null keeps everything in memory only.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>The TCP port; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>The address to listen on: loopback unless told otherwise, as the store asks nobody who they are.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;
}

/// <summary>A local stand-in that speaks MongoDB's wire protocol, for development and tests.</summary>
public sealed class StoreServer : IAsyncDisposable
{
    /// <summary>Beyond this a new connection is closed at once, so that a runaway client cannot take all memory.</summary>
    private const int MaxConnections = 2_000;
    private const int StackBytes = 1024 * 1024;
    private static readonly TimeSpan CompactionCheck = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(20);
    private readonly Catalog catalog;
    private readonly CommandRouter router;
    private readonly TcpListener listener;
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<long, (Connection Connection, Task Ended)> connections = new();
    private readonly TaskCompletionSource completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task accepting, compacting;
    private long lastConnection;

    private StoreServer(Catalog catalog, TcpListener listener)
    {
        this.catalog = catalog;
        this.listener = listener;
        router = new CommandRouter(catalog, TimeProvider.System, failure => completion.TrySetException(failure));
        EndPoint = (IPEndPoint)listener.LocalEndpoint;
        accepting = AcceptAsync();
        compacting = CompactAsync();
    }

    public IPEndPoint EndPoint { get; }
    public int Port => EndPoint.Port;
    public string ConnectionString => $"mongodb://{EndPoint}/shop?directConnection=true";

    /// <summary>Ends when the store is disposed; fails when its log cannot be written any more.</summary>
    public Task Completion => completion.Task;
    /// <exception cref="DataDirectoryException">The data directory is in use, damaged or not accessible.</exception>
    /// <exception cref="SocketException">The port is in use.</exception>
    public static async Task<StoreServer> StartAsync(StoreOptions options, CancellationToken cancellationToken)
    {
        var listener = new TcpListener(options.Address, options.Port);
        listener.Start(512);
        try
        {
            // Replaying a large log takes seconds of work and no waiting.
            return new StoreServer(await Task.Run(() => new Catalog(options.DataDirectory), cancellationToken), listener);
        }
        catch (Exception)
        {
            listener.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (stopping.IsCancellationRequested) return;
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        await compacting;
        foreach (var (connection, _) in connections.Values) connection.Close();
        await Task.WhenAll(connections.Values.Select(entry => entry.Ended));
        catalog.Dispose();
        completion.TrySetResult();
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stopping.IsCancellationRequested)
            try
            {
                var socket = await listener.AcceptSocketAsync(stopping.Token);
                if (connections.Count >= MaxConnections) socket.Dispose();
                else Serve(socket);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // The client gave up before it was accepted, the listener was stopped, which the loop sees, or there are no more handles: then wait for some.
                await Task.Delay(AcceptPause, TimeProvider.System, CancellationToken.None);
            }
    }

    private void Serve(Socket socket)
    {
        socket.NoDelay = true;
        var id = Interlocked.Increment(ref lastConnection);
        var connection = new Connection(socket, id, router);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connections[id] = (connection, ended.Task);
        var thread = new Thread(() =>
        {
            using (connection) connection.Serve();
            connections.TryRemove(id, out _);
            ended.SetResult();
        }, StackBytes) { IsBackground = true, Name = $"mongo connection {id}" };
        thread.Start();
    }

    private async Task CompactAsync()
    {
        using var timer = new PeriodicTimer(CompactionCheck);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token))
                if (catalog.IsCompactionDue) await Task.Run(() => catalog.Compact(stopping.Token), stopping.Token);
        }
        catch (OperationCanceledException)
        {
            // Stopping; an unfinished snapshot is removed at the next start.
        }
        catch (IOException failure)
        {
            completion.TrySetException(failure);
        }
    }
}
