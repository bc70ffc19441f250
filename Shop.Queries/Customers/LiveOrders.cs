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
    private const int MaxBacklog = 256;

    private static readonly TimeSpan step = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A document carries the time before it was written, by its projector's clock. So each step looks back this far again, for what
    /// became visible late.
    /// </summary>
    private static readonly TimeSpan overlap = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<Listener, bool> listeners = new();
    private readonly SemaphoreSlim somebodyCame = new(0);

    /// <summary>Null when there are too many already.</summary>
    public Listener? Listen(string customerId)
    {
        if (listeners.Count >= MaxListeners) return null;
        var listener = new Listener(customerId, listeners, Channel.CreateBounded<OrderDocument>(
            new BoundedChannelOptions(MaxBacklog) { SingleReader = true, SingleWriter = true }));
        listeners[listener] = true;
        somebodyCame.Release();
        return listener;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pipeline = Pipelines.Forever("live orders", time, StoreOutage.IsOutage,
            (exception, delay) => StoreIsAway(logger, delay.TotalMilliseconds, exception.Message));
        Dictionary<string, DateTimeOffset> delivered = [];
        var newest = time.GetUtcNow();
        try
        {
            while (true)
            {
                if (listeners.IsEmpty)
                {
                    await somebodyCame.WaitAsync(stoppingToken);
                    newest = time.GetUtcNow();
                    delivered.Clear();
                }

                newest = await pipeline.ExecuteAsync(async token => await DeliverAsync(newest, delivered, token), stoppingToken);
                await Task.Delay(step, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for; the routes end their streams themselves.
        }
    }

    private async Task<DateTimeOffset> DeliverAsync(DateTimeOffset newest, Dictionary<string, DateTimeOffset> delivered, CancellationToken cancellationToken)
    {
        var byCustomer = listeners.Keys.ToLookup(listener => listener.CustomerId);
        if (byCustomer.Count == 0) return newest;
        var since = newest - overlap;
        var generation = await live.CurrentAsync(cancellationToken);
        // By time and not by customer: what changed lately is little, what one customer ever ordered may be much.
        var changed = await generation.Orders.Find(
            Changed(byCustomer.Select(customer => customer.Key), since), new FindOptions { Hint = ReadModelGeneration.ChangesIndex }).ToListAsync(cancellationToken);
        foreach (var order in changed.OrderBy(order => order.ProjectedAt))
        {
            if (delivered.TryGetValue(order.Id, out var before) && before == order.ProjectedAt) continue;
            delivered[order.Id] = order.ProjectedAt;
            foreach (var listener in byCustomer[order.CustomerId]) listener.Offer(order);
            if (order.ProjectedAt > newest) newest = order.ProjectedAt;
        }

        // What no later step looks at again need not be remembered.
        foreach (var (id, _) in delivered.Where(pair => pair.Value <= since).ToArray()) delivered.Remove(id);
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

/// <summary>One open stream.</summary>
internal sealed class Listener(string customerId, ConcurrentDictionary<Listener, bool> listeners, Channel<OrderDocument> changes) : IDisposable
{
    public string CustomerId => customerId;

    /// <summary>Completes when the listener was too slow.</summary>
    public ChannelReader<OrderDocument> Changes => changes.Reader;

    public void Offer(OrderDocument order)
    {
        if (!changes.Writer.TryWrite(order)) changes.Writer.TryComplete();
    }

    public void Dispose() => listeners.TryRemove(this, out _);
}
