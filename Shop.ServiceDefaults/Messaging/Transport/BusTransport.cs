using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Amqp;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>
/// The TCP or TLS stream under a connection. The library's own transport cannot be cancelled while SASL hangs, waits twenty seconds
/// before it gives up a half-open connection and reads the socket twice per frame; this one is closed at once and reads 64 KB at a time.
/// </summary>
internal sealed class BusTransport : IAsyncTransport
{
    private const int BufferSize = 64 * 1024;

    private readonly Stream stream;
    private readonly byte[] received = new byte[BufferSize];
    private byte[] outgoing = new byte[BufferSize];
    private int position;
    private int length;

    private BusTransport(Stream stream) => this.stream = stream;

    public static async Task<BusTransport> ConnectAsync(
        ServiceBusConnectionString target, X509Certificate2Collection? trustedRoots, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target.Host, target.Port, cancellationToken);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (!target.UseTls) return new(stream);
            var tls = new SslStream(stream);
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = target.Host, CertificateChainPolicy = trustedRoots is null ? null : TrustOnly(trustedRoots) },
                cancellationToken);
            return new(tls);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static X509ChainPolicy TrustOnly(X509Certificate2Collection roots)
    {
        // Whoever runs a root of their own seldom runs a revocation service.
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    public void SetConnection(Connection connection)
    {
    }

    public async Task<int> ReceiveAsync(byte[] buffer, int offset, int count)
    {
        if (position == length)
        {
            position = 0;
            length = await stream.ReadAsync(received, CancellationToken.None);
            if (length == 0) return 0;
        }

        var taken = Math.Min(count, length - position);
        received.AsSpan(position, taken).CopyTo(buffer.AsSpan(offset));
        position += taken;
        return taken;
    }

    public async Task SendAsync(IList<ByteBuffer> bufferList, int listSize)
    {
        if (outgoing.Length < listSize) outgoing = new byte[listSize];
        var filled = 0;
        foreach (var buffer in bufferList)
        {
            buffer.Buffer.AsSpan(buffer.Offset, buffer.Length).CopyTo(outgoing.AsSpan(filled));
            filled += buffer.Length;
        }

        await stream.WriteAsync(outgoing.AsMemory(0, filled), CancellationToken.None);
    }

    public void Send(ByteBuffer buffer) => stream.Write(buffer.Buffer, buffer.Offset, buffer.Length);

    public int Receive(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public void Close() => stream.Dispose();

    /// <summary>Hands this transport, connected already, to the library's factory.</summary>
    public TransportProvider AsProvider() => new ConnectedProvider(this);

    private sealed class ConnectedProvider : TransportProvider
    {
        private readonly BusTransport transport;

        public ConnectedProvider(BusTransport transport)
        {
            this.transport = transport;
            AddressSchemes = ["amqp", "amqps"];
        }

        public override Task<IAsyncTransport> CreateAsync(Address address) => Task.FromResult<IAsyncTransport>(transport);
    }
}
