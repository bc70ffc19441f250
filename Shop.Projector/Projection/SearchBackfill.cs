using MongoDB.Bson;
using MongoDB.Driver;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Projection;

/// <summary>
/// Gives reference documents the keys that searches find them by, where a version of the projector wrote them that knew none: one before
/// an upgrade, or still beside it during a rolling one. A look costs two lookups in an index when there is nothing to do.
/// </summary>
internal sealed partial class SearchBackfill(ReadModels models, TimeProvider time, ILogger<SearchBackfill> logger) : BackgroundService
{
    private const int Page = 500;
    private static readonly TimeSpan interval = TimeSpan.FromMinutes(1);

    /// <summary>What is missing is null in the index.</summary>
    internal static BsonDocument WithoutKeys => new("search", BsonNull.Value);

    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        await FillAsync(models.Customers, customer => (customer.Id, customer.Version, customer.Name), cancellationToken);
        await FillAsync(models.Products, product => (product.Id, product.Version, product.Name), cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do await TryAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for; the next start goes on.
        }
    }

    private async Task TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RunOnceAsync(cancellationToken);
        }
        catch (Exception exception) when (StoreFaults.IsStoreFault(exception))
        {
            // The projection says that the store is away; a minute later is soon enough here.
            NotFilled(logger, exception.Message);
        }
    }

    /// <summary>Guarded by the version: a name that changed meanwhile has brought its own keys.</summary>
    private static async Task FillAsync<T>(IMongoCollection<T> collection, Func<T, (string Id, int Version, string Name)> read, CancellationToken cancellationToken)
    {
        while (true)
        {
            var found = await collection.Find(WithoutKeys).Limit(Page).ToListAsync(cancellationToken);
            if (found.Count == 0) return;
            await collection.BulkWriteAsync(found.Select(read).Select(document => new UpdateOneModel<T>(
                new BsonDocument { { "_id", document.Id }, { "version", document.Version } },
                new BsonDocument("$set", new BsonDocument("search", new BsonArray(SearchKeys.Of(document.Id, document.Name)))))), GuardedWrites.Unordered, cancellationToken);
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "Search keys are not filled in yet: {Why}")]
    private static partial void NotFilled(ILogger logger, string why);
}
