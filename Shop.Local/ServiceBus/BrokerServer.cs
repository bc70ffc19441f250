using Amqp;
using Amqp.Listener;

namespace Shop.Local.ServiceBus;

/// <summary>
/// A stand-in for Azure Service Bus for development and tests: it speaks AMQP 1.0 to unmodified clients on the loopback address,
/// keeps what it acknowledged in a log, and refuses what it does not support.
/// </summary>
public sealed class BrokerServer : IAsyncDisposable
{
    private readonly BrokerEngine engine;
    private readonly ConnectionListener listener;
    private readonly ConnectionAcceptor acceptor;

    private BrokerServer(BrokerEngine engine, ConnectionListener listener, ConnectionAcceptor acceptor) =>
        (this.engine, this.listener, this.acceptor) = (engine, listener, acceptor);

    public int Port => acceptor.Port;

    public string ConnectionString =>
        $"Endpoint=sb://127.0.0.1:{Port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;";

    /// <summary>Ends when the broker has stopped; faulted when it had to, because its log could not be written.</summary>
    public Task Completion => engine.Completion;

    /// <summary>Starts a broker; it accepts connections when this returns.</summary>
    /// <exception cref="BrokerStartException">It cannot start; the message says why in one sentence.</exception>
    public static async Task<BrokerServer> StartAsync(BrokerOptions options, CancellationToken cancellationToken)
    {
        var entities = options.ConfigPath is null ? options.Entities : await EmulatorConfig.ReadAsync(options.ConfigPath, cancellationToken);
        var log = options.DataDirectory is null ? null : MessageLog.Open(options.DataDirectory, options.Fsync, options.SegmentSize);
        try
        {
            var engine = new BrokerEngine(options.Time, log, options.BodyCacheSize, new BrokerFaults(options.FaultsPath, options.OnFaults));
            EntityBuilder.Build(engine, entities);
            log?.Replay(engine);
            var verifier = options.SharedAccessKey is null ? null : new TokenVerifier(options.SharedAccessKeyName, options.SharedAccessKey, options.Time);
            var acceptor = new ConnectionAcceptor(engine, options, verifier);
            var address = new Address("127.0.0.1", acceptor.Port, null, null, "/", "amqp");
            var container = new BrokerContainer(address, acceptor, new LinkAttacher(engine, options.MaxMessageSize));
            var listener = new ConnectionListener(address, container) { HandlerFactory = _ => new DeliveryTagHandler() };
            listener.AMQP.ContainerId = "shop-local-service-bus";
            listener.AMQP.MaxSessionsPerConnection = 1024;
            listener.AMQP.MaxLinksPerSession = 1024;
            listener.AMQP.IdleTimeout = 240_000;
            engine.Start();
            listener.Open();
            acceptor.Start();
            _ = CloseOnFailureAsync(engine, listener);
            return new BrokerServer(engine, listener, acceptor);
        }
        catch (BrokerStartException)
        {
            log?.Dispose();
            throw;
        }
    }

    /// <summary>Takes no more connections, finishes and writes what was taken, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        // A failure is told by Completion; ending is all that is asked for here.
        await engine.StopAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        listener.Close();
        await acceptor.HangUpAsync(TimeSpan.FromSeconds(1));
    }

    private static async Task CloseOnFailureAsync(BrokerEngine engine, ConnectionListener listener)
    {
        try
        {
            await engine.Completion;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or InvalidOperationException)
        {
            // Completion tells whoever runs the broker; its clients must not wait for answers that never come.
            listener.Close();
        }
    }
}
