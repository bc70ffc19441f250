using System.Diagnostics;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Contracts.Views;
using Shop.Projector;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Bench.Read;

/// <summary>
/// Broker and store as processes, the projector in this one, built as its Program builds it: so that it can be away while its backlog is
/// published, and is compiled when it comes back.
/// </summary>
internal sealed class ProjectionRig : IAsyncDisposable
{
    public const int Batch = 500;
    private const int ReferenceGeneration = 900;
    private static readonly TimeSpan poll = TimeSpan.FromMilliseconds(5);
    private readonly RunningPart store;
    private readonly RunningPart broker;
    private readonly BusClient bus;
    private readonly EventPublisher publisher;
    private readonly ProcessorTimes times;
    private int next;

    private ProjectionRig(RunningPart store, RunningPart broker)
    {
        (this.store, this.broker) = (store, broker);
        bus = new BusClient(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(broker.Address) });
        publisher = bus.CreatePublisher("shop-events");
        times = new(("writing process", Environment.ProcessId), ("store", store.ProcessId), ("broker", broker.ProcessId));
        Models = new ReadModels(new MongoClient(store.Address).GetDatabase("shop"));
    }

    public ReadModels Models { get; }

    public string StoreAddress => store.Address;

    public static async Task<ProjectionRig> StartAsync(CancellationToken cancellationToken)
    {
        var rig = new ProjectionRig(await RunningPart.StoreAsync(cancellationToken), await RunningPart.BrokerAsync(cancellationToken));
        await ReadModelSetup.CreateAsync(rig.Models, cancellationToken);
        await ReadModelSetup.CreateIndexesAsync(rig.Models.Generation(ReferenceGeneration), cancellationToken);
        return rig;
    }

    /// <summary>The parts whose <see cref="ProcessorTimes"/> are read.</summary>
    public static IReadOnlyList<string> Parts { get; } = ["writing process", "store", "broker"];

    /// <summary>Events per second from a full subscription into the store, over the last nine tenths of so many: the first pay for the start.</summary>
    public async Task<IReadOnlyList<Reading>> ProjectAsync(int events, CancellationToken cancellationToken)
    {
        var before = await StoredAsync(cancellationToken);
        await PublishAsync(events, cancellationToken);
        await using var projector = ProjectorApp.Build([
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:readdb={store.Address}", $"--ConnectionStrings:messaging={broker.Address}", "--Logging:LogLevel:Default=Error"]);
        await projector.StartAsync(cancellationToken);
        var first = await ReachedAsync(before + (events / 10), cancellationToken);
        var used = times.Read();
        var last = await ReachedAsync(before + events, cancellationToken);
        var stored = last.Stored - first.Stored;
        Reading[] readings = [new("broker to store", stored / Stopwatch.GetElapsedTime(first.At, last.At).TotalSeconds, "events/s"), .. times.Since(used, stored)];
        await projector.StopAsync(cancellationToken);
        return readings;
    }

    /// <summary>Documents per second of a loop that does nothing but write the same documents, guarded as the projector guards them.</summary>
    public Task<IReadOnlyList<Reading>> WriteAsync(int documents, CancellationToken cancellationToken)
    {
        OrderDocument[] batch = [.. Take(documents).Select(order => Documents.Order(order, TimeProvider.System.GetUtcNow()))];
        return times.AroundAsync("documents", "documents/s", () => WriteAsync(batch, cancellationToken));
    }

    private async Task<double> WriteAsync(OrderDocument[] documents, CancellationToken cancellationToken)
    {
        var orders = Models.Generation(ReferenceGeneration).Orders;
        var started = Stopwatch.GetTimestamp();
        foreach (var part in documents.Chunk(Batch))
        {
            await orders.BulkWriteAsync(
                part.Select(order => new ReplaceOneModel<OrderDocument>(
                    new BsonDocument { { "_id", order.Id }, { "version", new BsonDocument("$lt", order.Version) } }, order) { IsUpsert = true }),
                new BulkWriteOptions { IsOrdered = false }, cancellationToken);
        }

        return documents.Length / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    public async ValueTask DisposeAsync()
    {
        await bus.DisposeAsync();
        await broker.DisposeAsync();
        await store.DisposeAsync();
    }

    private async Task PublishAsync(int events, CancellationToken cancellationToken)
    {
        foreach (var part in Take(events).Chunk(2 * Batch))
        {
            var results = await publisher.PublishAsync([.. part.Select(order => SampleOrders.Event(order, TimeProvider.System.GetUtcNow()))], cancellationToken);
            if (results.Any(result => result.Status != PublishStatus.Accepted)) throw new InvalidOperationException("The broker did not accept an event.");
        }
    }

    private IEnumerable<Contracts.Events.OrderState> Take(int count)
    {
        for (var i = 0; i < count; i++) yield return SampleOrders.At(++next, TimeProvider.System.GetUtcNow());
    }

    private async Task<(long Stored, long At)> ReachedAsync(long wanted, CancellationToken cancellationToken)
    {
        while (true)
        {
            var stored = await StoredAsync(cancellationToken);
            if (stored >= wanted) return (stored, Stopwatch.GetTimestamp());
            await Task.Delay(poll, cancellationToken);
        }
    }

    private Task<long> StoredAsync(CancellationToken cancellationToken) => Models.Generation(1).Orders.EstimatedDocumentCountAsync(cancellationToken: cancellationToken);
}
