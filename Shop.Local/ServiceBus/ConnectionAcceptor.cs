using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Amqp;

namespace Shop.Local.ServiceBus;

/// <summary>Accepts connections on the loopback address and gives the AMQP library those that have got through the handshake.</summary>
internal sealed class ConnectionAcceptor : TransportProvider
{
    private const int MaxConnections = 2000;
    private readonly Socket listener;
    private readonly BrokerEngine engine;
    private readonly BrokerOptions options;
    private readonly TokenVerifier? verifier;
    private readonly CancellationTokenSource stopping = new();
    private readonly Channel<IAsyncTransport> ready = Channel.CreateUnbounded<IAsyncTransport>();
    private readonly ConcurrentDictionary<BrokerTransport, bool> transports = [];
    private int connections;

    /// <exception cref="BrokerStartException">The port is in use.</exception>
    public ConnectionAcceptor(BrokerEngine engine, BrokerOptions options, TokenVerifier? verifier)
    {
        (this.engine, this.options, this.verifier) = (engine, options, verifier);
        AddressSchemes = ["amqp"];
        listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // The runtime sets SO_REUSEADDR on Linux in a way that lets a port be taken again after a restart, but not twice.
            listener.Bind(new IPEndPoint(IPAddress.Loopback, options.Port));
            listener.Listen(512);
        }
        catch (SocketException error)
        {
            listener.Dispose();
            throw new BrokerStartException($"Port {options.Port} on 127.0.0.1 cannot be used: {error.Message}", error);
        }

        Port = ((IPEndPoint)listener.LocalEndPoint!).Port;
    }

    public int Port { get; }

    public void Start() => _ = AcceptAsync();

    public override async Task<IAsyncTransport> CreateAsync(Address address)
    {
        try
        {
            return await ready.Reader.ReadAsync();
        }
        catch (ChannelClosedException)
        {
            // The library's accept loop knows only this exception as its end, and asks again until the end of time otherwise.
            return await new TaskCompletionSource<IAsyncTransport>().Task;
        }
    }

    public override void Dispose()
    {
        if (!stopping.IsCancellationRequested)
        {
            stopping.Cancel();
            listener.Dispose();
            ready.Writer.TryComplete();
        }

        base.Dispose();
    }

    /// <summary>Gives the peers a moment to answer the close that they were sent, and hangs up on those that do not.</summary>
    public async Task HangUpAsync(TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience, options.Time);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10), options.Time);
        try
        {
            while (!transports.IsEmpty) await poll.WaitForNextTickAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            foreach (var transport in transports.Keys) transport.Close();
        }
    }

    private async Task AcceptAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var socket = await listener.AcceptAsync(stopping.Token);
                if (Interlocked.Increment(ref connections) > MaxConnections)
                {
                    Interlocked.Decrement(ref connections);
                    socket.Dispose();
                    continue;
                }

                _ = WelcomeAsync(socket);
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The peer has gone before it was accepted, or there are no descriptors left: the next one may fare better.
                await Task.Delay(TimeSpan.FromMilliseconds(20), options.Time);
            }
        }
    }

    private async Task WelcomeAsync(Socket socket)
    {
        BrokerTransport? transport = null;
        var isHandedOver = false;
        try
        {
            socket.NoDelay = true;
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
            deadline.CancelAfter(options.HandshakeTimeout);
            var reader = new SocketReader(socket);
            if (await new SaslHandshake(reader, socket, verifier).RunAsync(deadline.Token) is not { } isKey) return;
            var authorization = new Authorization(verifier, options.Time);
            if (isKey) authorization.HasFullAccess = true;
            transport = new BrokerTransport(
                socket, reader, new FrameGuard(options.MaxMessageSize), engine, authorization, options.HandshakeTimeout);
            transports[transport] = true;
            transport.Closed += () =>
            {
                transports.TryRemove(transport, out _);
                Interlocked.Decrement(ref connections);
            };
            isHandedOver = ready.Writer.TryWrite(transport);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or InvalidDataException
            or ObjectDisposedException or ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            // A client that does not speak SASL in time is hung up on.
        }
        finally
        {
            if (isHandedOver)
            {
                // From here on the library closes it.
            }
            else if (transport is not null)
            {
                transport.Close();
            }
            else
            {
                Interlocked.Decrement(ref connections);
                socket.Dispose();
            }
        }
    }
}
