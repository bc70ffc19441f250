using Shop.Local.RabbitMq;

namespace Shop.Tests.ServiceDefaults.Messaging;

/// <summary>A broker that the client has to work with, started once for all of its tests, and what it is known to do differently.</summary>
public abstract class ConformanceBroker : IAsyncLifetime
{
    public abstract string ConnectionString { get; }

    public abstract int Port { get; }

    /// <summary>Whether failed deliveries are counted and dead letters keep their reason.</summary>
    public abstract bool KeepsBooks { get; }

    /// <summary>Whether the broker tells how large a message may be.</summary>
    public abstract bool HasSizeLimit { get; }

    public abstract ValueTask InitializeAsync();

    public abstract Task EndAsync(CancellationToken cancellationToken);

    public abstract Task StartAgainAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}

/// <summary>The local broker.</summary>
public sealed class LocalConformanceBroker : ConformanceBroker
{
    private LocalBroker broker = null!;

    public override string ConnectionString => broker.ConnectionString;

    public override int Port => broker.Port;

    public override bool KeepsBooks => true;

    public override bool HasSizeLimit => true;

    public override async ValueTask InitializeAsync() => broker = await LocalBroker.StartAsync(TestContext.Current.CancellationToken);

    public override Task EndAsync(CancellationToken cancellationToken) => broker.StopAsync();

    public override Task StartAgainAsync(CancellationToken cancellationToken) => broker.StartAgainAsync(cancellationToken);

    public override ValueTask DisposeAsync() => broker.DisposeAsync();
}

/// <summary>RabbitMQ, which somebody else wrote; its AMQP 1.0 plugin drops reasons and counts nothing.</summary>
public sealed class RabbitMqConformanceBroker : ConformanceBroker
{
    private LocalRabbitMq? server;

    public override string ConnectionString => Server.ConnectionString;

    public override int Port => Server.Port;

    public override bool KeepsBooks => false;

    public override bool HasSizeLimit => false;

    private LocalRabbitMq Server
    {
        get
        {
            Assert.SkipUnless(server is not null, "RabbitMQ is not installed (apt-get install rabbitmq-server)");
            return server;
        }
    }

    public override async ValueTask InitializeAsync()
    {
        if (LocalRabbitMq.IsInstalled) server = await LocalRabbitMq.StartAsync(port: 0, quorum: false, TestContext.Current.CancellationToken);
    }

    public override Task EndAsync(CancellationToken cancellationToken) => Server.KillAsync(cancellationToken);

    public override Task StartAgainAsync(CancellationToken cancellationToken) => Server.StartAgainAsync(cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
    }
}
