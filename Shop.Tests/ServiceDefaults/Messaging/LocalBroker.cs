using Shop.Local.ServiceBus;
using Shop.Local.Supervision;

namespace Shop.Tests.ServiceDefaults.Messaging;

/// <summary>The local broker on a free port, which a test can stop and start again where it was, with what it had acknowledged.</summary>
public sealed class LocalBroker : IAsyncDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("shop-bus-");
    private BrokerServer? server;

    public int Port { get; private init; }

    public string ConnectionString => $"Endpoint=sb://127.0.0.1:{Port};UseDevelopmentEmulator=true;";

    public static BrokerEntities Entities(TimeSpan lockDuration) => new([],
        [new TopicDefinition("shop-events", [new SubscriptionDefinition("projector", new ReceiveProperties { LockDuration = lockDuration, MaxDeliveryCount = 2000 })])]);

    public static async Task<LocalBroker> StartAsync(CancellationToken cancellationToken, BrokerEntities? entities = null, int? port = null)
    {
        var broker = new LocalBroker { Port = port ?? FreePort.Next() };
        await broker.StartAgainAsync(cancellationToken, entities);
        return broker;
    }

    public async Task StopAsync()
    {
        if (server is { } running) await running.DisposeAsync();
        server = null;
    }

    public async Task StartAgainAsync(CancellationToken cancellationToken, BrokerEntities? entities = null)
    {
        server = await BrokerServer.StartAsync(
            new BrokerOptions { DataDirectory = directory.FullName, Port = Port, Entities = entities ?? BrokerEntities.Shop }, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        directory.Delete(recursive: true);
    }
}
