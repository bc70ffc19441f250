using System.Collections.Concurrent;
using System.Threading.Channels;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Queries.Customers;

/// <summary>
/// Finds changed orders for everybody who listens, with one query per step whatever their number, and with none while nobody does.
/// (Change streams would need a replica set.)
/// </summary>
internal sealed partial class LiveOrders(LiveReadModel live, TimeProvider time, ILogger<LiveOrders> logger) : BackgroundService
{
    private const int MaxListeners = 1000;

    /// <summary>Changes a listener may be behind with; one that is slower is cut off, and gets the current state when it comes again.</summary>
    internal const int MaxBacklog = 256;

    private static readonly TimeSpan step = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A document carries the time before it was written, by its projector's clock. So each step looks back this far again, for what
    /// became visible late.
    /// </summary>
    private static readonly TimeSpan overlap = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Now and then a step looks back this far, for a projector that stood still between the clock and the write, or whose clock is slow.
    /// </summary>
    private static readonly TimeSpan longOverlap = TimeSpan.FromMinutes(1);

    /// <summary>Steps from one long look back to the next.</summary>
    private const int LongLook = 20;

    private readonly ConcurrentDictionary<Listener, bool> listeners = new();
    private readonly SemaphoreSlim somebodyCame = new(0);

    /// <summary>Null when there are too many already.</summary>
    public Listener? Listen(string customerId)
    {
        if (listeners.Count >= MaxListeners) return null;
        var listener = new Listener(customerId, time.GetUtcNow(), listeners, Channel.CreateBounded<OrderDocument>(
            new BoundedChannelOptions(MaxBacklog) { SingleReader = true, SingleWriter = true }));
        listeners[listener] = true;
        somebodyCame.Release();
        return listener;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pipeline = Pipelines.Forever("live orders", time, StoreOutage.IsOutage,
            (exception, delay) => StoreIsAway(logger, delay.TotalMilliseconds, exception.Message));
        Dictionary<string, Delivered> delivered = [];
        var newest = time.GetUtcNow();
        try
        {
            for (var count = 1; ; count++)
            {
                if (listeners.IsEmpty)
                {
                    await somebodyCame.WaitAsync(stoppingToken);
                    newest = listeners.Keys.Select(listener => listener.Came).DefaultIfEmpty(time.GetUtcNow()).Min();
                    delivered.Clear();
                }

                var isLong = count % LongLook == 0;
                newest = await pipeline.ExecuteAsync(async token => await DeliverAsync(newest, isLong, delivered, token), stoppingToken);
                await Task.Delay(step, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for; the routes end their streams themselves.
        }
    }

    /// <summary>Answers the newest time seen; never one ahead of this clock, which would hide what slower clocks write.</summary>
    private async Task<DateTimeOffset> DeliverAsync(
        DateTimeOffset newest, bool isLong, Dictionary<string, Delivered> delivered, CancellationToken cancellationToken)
    {
        var there = listeners.Keys;
        string[] customers = [.. there.Select(listener => listener.CustomerId).Distinct()];
        if (customers.Length == 0) return newest;
        var recent = newest - overlap;
        var generation = await live.CurrentAsync(cancellationToken);
        // By time and not by customer: what changed lately is little, what one customer ever ordered may be much.
        var changed = await generation.Orders.Find(
            Changed(customers, isLong ? newest - longOverlap : recent), new FindOptions { Hint = ReadModelGeneration.ChangesIndex }).ToListAsync(cancellationToken);
        // Who listens is asked again: somebody who came meanwhile may have read the state from before what was found.
        var byCustomer = listeners.Keys.ToLookup(listener => listener.CustomerId);
        foreach (var order in changed.OrderBy(order => order.ProjectedAt))
        {
            if (order.ProjectedAt > newest) newest = order.ProjectedAt;
            var delivery = Delivered.Of(order);
            if (delivered.TryGetValue(order.Id, out var before) && before.IsSameState(delivery)) continue;
            delivered[order.Id] = delivery;
            foreach (var listener in byCustomer[order.CustomerId])
            {
                if (listener.HasHistory || order.ProjectedAt > recent) listener.Offer(order);
                else listener.OfferLater(order);
            }
        }

        if (isLong) foreach (var listener in there) listener.HasHistory = true;
        foreach (var listener in byCustomer.SelectMany(ofCustomer => ofCustomer)) listener.OfferRest(delivered);
        var now = time.GetUtcNow();
        if (newest > now) newest = now;
        // What no later step looks at again need not be remembered.
        foreach (var (id, _) in delivered.Where(pair => pair.Value.At <= newest - longOverlap).ToArray()) delivered.Remove(id);
        return newest;
    }

    internal static BsonDocument Changed(IEnumerable<string> customerIds, DateTimeOffset since) => new()
    {
        { "customerId", new BsonDocument("$in", new BsonArray(customerIds)) },
        { "projectedAt", new BsonDocument("$gt", since.UtcDateTime) },
    };

    [LoggerMessage(1, LogLevel.Warning, "The store is away; looking for changes again in {DelayMilliseconds:F0} ms: {Why}")]
    private static partial void StoreIsAway(ILogger logger, double delayMilliseconds, string why);
}

/// <summary>What listeners were told of an order last.</summary>
internal readonly record struct Delivered(int Version, long NameVersions, DateTimeOffset At)
{
    public static Delivered Of(OrderDocument order) =>
        new(order.Version, order.CustomerVersion + order.Items.Sum(line => (long)line.ProductVersion), order.ProjectedAt);

    /// <summary>By versions and not by time: two changes may share a millisecond. Names of one version of an order only get newer.</summary>
    public bool IsSameState(Delivered other) => Version == other.Version && NameVersions == other.NameVersions;
}

/// <summary>One open stream.</summary>
internal sealed class Listener(string customerId, DateTimeOffset came, ConcurrentDictionary<Listener, bool> listeners, Channel<OrderDocument> changes) : IDisposable
{
    // At most a minute of one customer's orders, which the poller has read anyway.
    private readonly Queue<OrderDocument> early = new();

    public string CustomerId => customerId;

    public DateTimeOffset Came => came;

    /// <summary>It has been there for a long look back: what a later one finds is new, and not what the listener began with.</summary>
    public bool HasHistory { get; set; }

    /// <summary>Completes when the listener was too slow.</summary>
    public ChannelReader<OrderDocument> Changes => changes.Reader;

    public void Offer(OrderDocument order)
    {
        if (!changes.Writer.TryWrite(order)) changes.Writer.TryComplete();
    }

    /// <summary>
    /// What the first long look finds, the listener mostly began with, but not what became visible late. Told when there is room beside what
    /// changes now: a customer with very many orders in that minute is no reason to be cut off.
    /// </summary>
    public void OfferLater(OrderDocument order) => early.Enqueue(order);

    /// <summary>As much as there is room for; what has changed since was offered when it had.</summary>
    public void OfferRest(IReadOnlyDictionary<string, Delivered> delivered)
    {
        while (changes.Reader.Count < LiveOrders.MaxBacklog / 2 && early.TryDequeue(out var order))
            if (!delivered.TryGetValue(order.Id, out var last) || last.IsSameState(Delivered.Of(order))) Offer(order);
    }

    public void Dispose() => listeners.TryRemove(this, out _);
}
