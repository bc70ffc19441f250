using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Shop.Tests.ServiceDefaults.Messaging;

/// <summary>A TCP hop that can stop passing bytes without closing anything: what a pulled cable looks like. With a certificate it ends TLS.</summary>
internal sealed class FreezableProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly int target;
    private readonly X509Certificate2? certificate;
    private readonly Task accepting;
    private volatile CancellationTokenSource thaw = new();
    private int connections;

    public FreezableProxy(int target, X509Certificate2? certificate = null)
    {
        (this.target, this.certificate) = (target, certificate);
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
                _ = WelcomeAsync(client);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }

    private async Task WelcomeAsync(TcpClient client)
    {
        try
        {
            var server = new TcpClient();
            await server.ConnectAsync(IPAddress.Loopback, target, stop.Token);
            Stream fromClient = client.GetStream();
            if (certificate is not null)
            {
                var tls = new SslStream(fromClient);
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stop.Token);
                fromClient = tls;
            }

            Interlocked.Increment(ref connections);
            var frozen = thaw.Token;
            _ = CopyAsync(fromClient, server.GetStream(), frozen);
            _ = CopyAsync(server.GetStream(), fromClient, frozen);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException or AuthenticationException or InvalidOperationException)
        {
            // Nobody behind it, or a client that does not trust the certificate.
            client.Close();
        }
    }

    private async Task CopyAsync(Stream from, Stream to, CancellationToken frozen)
    {
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(frozen, stop.Token);
            await from.CopyToAsync(to, either.Token);
            to.Close();
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            await Task.WhenAny(Task.Delay(Timeout.Infinite, stop.Token));
            from.Close();
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or InvalidOperationException or NotSupportedException)
        {
            to.Close();
        }
    }
}
