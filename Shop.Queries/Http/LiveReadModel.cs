using MongoDB.Bson;
using MongoDB.Driver;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Http;

/// <summary>
/// The generation that queries read. Looked up at most once a second: the one before is still written for far longer than that after a
/// flip, so an answer from it is as true.
/// </summary>
internal sealed class LiveReadModel(ReadModels models, TimeProvider time)
{
    private static readonly TimeSpan validity = TimeSpan.FromSeconds(1);
    private volatile Known? known;

    public ReadModels Models => models;

    public async ValueTask<ReadModelGeneration> CurrentAsync(CancellationToken cancellationToken)
    {
        if (known is { } fresh && time.GetElapsedTime(fresh.At) < validity) return fresh.Generation;
        var at = time.GetTimestamp();
        var state = await models.FindStateAsync(cancellationToken);
        // Before the first projector has ever started there is nothing to read, and the first generation says so as well as any.
        var current = new Known(models.Generation(state?.Live ?? 1), at);
        known = current;
        return current.Generation;
    }

    /// <summary>Tells a customer without orders from one that does not exist.</summary>
    public async Task<bool> KnowsCustomerAsync(string id, CancellationToken cancellationToken) =>
        await models.Customers.Find(new BsonDocument("_id", id)).Project(new BsonDocument("_id", 1)).AnyAsync(cancellationToken);

    private sealed record Known(ReadModelGeneration Generation, long At);
}
