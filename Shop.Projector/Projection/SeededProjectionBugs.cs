#if SEEDED_BUGS
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Projection;

/// <summary>What the seeded bugs of the projection need; see <see cref="Shop.ServiceDefaults.Reliability.SeededBug"/>.</summary>
internal static class SeededProjectionBugs
{
    /// <summary>The aggregates of the batch that are stored in that version, or a newer one, already: the naive "nothing to do".</summary>
    public static async Task<IReadOnlyCollection<Aggregate>> FindStoredAsync(
        ReadModels models, ReadModelGeneration live, ProjectionBatch batch, CancellationToken cancellationToken) =>
    [
        .. await FindAsync(models.Customers, batch, AggregateKind.Customer, cancellationToken),
        .. await FindAsync(models.Products, batch, AggregateKind.Product, cancellationToken),
        .. await FindAsync(live.Orders, batch, AggregateKind.Order, cancellationToken),
    ];

    private static async Task<List<Aggregate>> FindAsync<T>(
        IMongoCollection<T> collection, ProjectionBatch batch, AggregateKind kind, CancellationToken cancellationToken)
    {
        List<Aggregate> stored = [];
        foreach (var winner in batch.Winners(kind))
        {
            var same = new BsonDocument { { "_id", winner.Aggregate.Id }, { "version", new BsonDocument("$gte", winner.Version) } };
            if (await collection.Find(same).AnyAsync(cancellationToken)) stored.Add(winner.Aggregate);
        }

        return stored;
    }
}
#endif
