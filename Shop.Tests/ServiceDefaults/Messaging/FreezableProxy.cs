using System.Net;
using System.Net.Sockets;

namespace Shop.Tests.ServiceDefaults.Messaging;

/// <summary>A TCP hop that can stop passing bytes without closing anything: what a pulled cable looks like.</summary>
internal sealed class FreezableProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly int target;
    private readonly Task accepting;
    private volatile CancellationTokenSource thaw = new();
    private int connections;

    public FreezableProxy(int target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public int Connections => Volatile.Read(ref connections);

    /// <summary>Connections that are open now stay silent for ever; new ones work.</summary>
    public void FreezeOpenConnections() => Interlocked.Exchange(ref thaw, new()).Cancel();

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(stop.Token);
                var server = new TcpClient();
                await server.ConnectAsync(IPAddress.Loopback, target, stop.Token);
                Interlocked.Increment(ref connections);
                var frozen = thaw.Token;
                _ = CopyAsync(client, server, frozen);
                _ = CopyAsync(server, client, frozen);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, CancellationToken frozen)
    {
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(frozen, stop.Token);
            await from.GetStream().CopyToAsync(to.GetStream(), either.Token);
            to.Close();
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            await Task.WhenAny(Task.Delay(Timeout.Infinite, stop.Token));
            from.Close();
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or InvalidOperationException)
        {
            to.Close();
        }
    }
}
