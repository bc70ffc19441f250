using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Summaries;

/// <summary>
/// Recomputes the buckets that are marked dirty. Per bucket: read the mark and the bucket's <c>rev</c>, sum the orders, replace the bucket
/// if its <c>rev</c> is still the same, delete the mark if that is still the same. Whoever comes second at either repeats at the next
/// sweep, so any number of projectors may sweep at once and any of them may die anywhere.
/// </summary>
public sealed class SummaryRecomputation(ReadModels models)
{
    private const int PageSize = 200;
    private const int Parallelism = 4;

    /// <summary>Recomputes everything dirty in the written generations once. Answers how many buckets it brought up to date.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var recomputed = 0;
        if (await models.FindStateAsync(cancellationToken) is not { } state) return 0;
        foreach (var number in state.Writing) recomputed += await SweepAsync(models.Generation(number), cancellationToken);
        return recomputed;
    }

    /// <summary>The same of one generation.</summary>
    public static async Task<int> SweepAsync(ReadModelGeneration generation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(generation);
        var recomputed = 0;
        var last = "";
        while (true)
        {
            // In the order of identifiers "product-day/" comes before "product/", so a product's total is summed after its days.
            var page = await generation.Dirty.Find(new BsonDocument("_id", new BsonDocument("$gt", last)))
                .Sort(new BsonDocument("_id", 1)).Limit(PageSize).ToListAsync(cancellationToken);
            if (page.Count == 0) return recomputed;
            last = page[^1].Id;
            foreach (var kind in page.GroupBy(bucket => bucket.Kind))
                recomputed += await RecomputeAsync(generation, kind.Key, [.. kind], cancellationToken);
        }
    }

    private static Task<int> RecomputeAsync(ReadModelGeneration generation, string kind, DirtyBucket[] dirty, CancellationToken cancellationToken) => kind switch
    {
        DirtyKind.CustomerMonth => RecomputeAsync(generation, generation.CustomerMonths, dirty, bucket => (bucket.Id, bucket.Rev),
            (rev, token) => EachAsync(dirty, mark => OrderSums.CustomerMonthAsync(generation, mark.Key, mark.From!.Value, rev, token), token), cancellationToken),
        DirtyKind.ProductDay => RecomputeAsync(generation, generation.ProductDays, dirty, bucket => (bucket.Id, bucket.Rev),
            (rev, token) => ProductDaysAsync(generation, dirty, rev, token), cancellationToken),
        DirtyKind.Product => RecomputeAsync(generation, generation.ProductSales, dirty, bucket => (bucket.Id, bucket.Rev),
            (rev, token) => EachAsync(dirty, mark => OrderSums.ProductSalesAsync(generation, mark.Key, rev, token), token), cancellationToken),
        // A newer projector's kind of sum: it stays dirty until that one takes it.
        _ => Task.FromResult(0),
    };

    private static async Task<T[]> EachAsync<TSource, T>(TSource[] sources, Func<TSource, Task<T>> sumAsync, CancellationToken cancellationToken)
    {
        var sums = new T[sources.Length];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, sources.Length),
            new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken },
            async (index, _) => sums[index] = await sumAsync(sources[index]));
        return sums;
    }

    private static async Task<ProductDay[]> ProductDaysAsync(ReadModelGeneration generation, DirtyBucket[] dirty, Guid rev, CancellationToken cancellationToken)
    {
        var days = dirty.GroupBy(mark => mark.From!.Value).ToArray();
        var sums = await EachAsync(
            days, day => OrderSums.ProductDaysAsync(generation, [.. day.Select(mark => mark.Key)], day.Key, rev, cancellationToken), cancellationToken);
        var byId = sums.SelectMany(products => products.Values).ToDictionary(product => product.Id);
        return [.. dirty.Select(mark => byId[mark.BucketId])];
    }

    private static async Task<int> RecomputeAsync<T>(
        ReadModelGeneration generation, IMongoCollection<T> buckets, DirtyBucket[] dirty, Func<T, (string Id, Guid Rev)> identify,
        Func<Guid, CancellationToken, Task<T[]>> sumAsync, CancellationToken cancellationToken)
    {
        var sweep = Guid.CreateVersion7();
        // Before the sums: a sum may replace only a bucket that was there when it began.
        var before = await RevsAsync(buckets, dirty.Select(mark => mark.BucketId), identify, cancellationToken);
        var sums = await sumAsync(sweep, cancellationToken);
        var writes = new WriteModel<T>[dirty.Length];
        for (var index = 0; index < dirty.Length; index++)
        {
            writes[index] = before.TryGetValue(dirty[index].BucketId, out var rev)
                ? new ReplaceOneModel<T>(new BsonDocument { { "_id", dirty[index].BucketId }, { "rev", Binary(rev) } }, sums[index])
                : new InsertOneModel<T>(sums[index]);
        }

        DirtyBucket[] done = await ReplaceAsync(buckets, writes, cancellationToken)
            ? dirty
            : await WrittenByUsAsync(buckets, dirty, sweep, identify, cancellationToken);
        if (done.Length == 0) return 0;

        // The next sum is marked before this mark goes: in between, a killed projector would leave a total that nobody knows to be wrong.
        var totals = done.Where(mark => mark.Kind == DirtyKind.ProductDay).Select(mark => mark.Key).Distinct();
        await DirtyMarks.MarkAsync(generation.Dirty, [.. totals.Select(product => DirtyMarks.OfProduct(product, sweep))], cancellationToken);
        await generation.Dirty.BulkWriteAsync(
            done.Select(mark => new DeleteOneModel<DirtyBucket>(new BsonDocument { { "_id", mark.Id }, { "rev", Binary(mark.Rev) } })),
            GuardedWrites.Unordered, cancellationToken);
        return done.Length;
    }

    /// <summary>Whether every one of the buckets was ours to write.</summary>
    private static async Task<bool> ReplaceAsync<T>(IMongoCollection<T> buckets, WriteModel<T>[] writes, CancellationToken cancellationToken)
    {
        try
        {
            var result = await buckets.BulkWriteAsync(writes, GuardedWrites.Unordered, cancellationToken);
            return result.MatchedCount + result.InsertedCount == writes.Length;
        }
        catch (MongoBulkWriteException<T> exception) when (exception.WriteConcernError is null
            && exception.WriteErrors.All(error => error.Category == ServerErrorCategory.DuplicateKey))
        {
            return false;
        }
    }

    private static async Task<DirtyBucket[]> WrittenByUsAsync<T>(
        IMongoCollection<T> buckets, DirtyBucket[] dirty, Guid sweep, Func<T, (string Id, Guid Rev)> identify, CancellationToken cancellationToken)
    {
        var after = await RevsAsync(buckets, dirty.Select(mark => mark.BucketId), identify, cancellationToken);
        return [.. dirty.Where(mark => after.TryGetValue(mark.BucketId, out var rev) && rev == sweep)];
    }

    private static async Task<Dictionary<string, Guid>> RevsAsync<T>(
        IMongoCollection<T> buckets, IEnumerable<string> ids, Func<T, (string Id, Guid Rev)> identify, CancellationToken cancellationToken)
    {
        var found = await buckets.Find(new BsonDocument("_id", new BsonDocument("$in", new BsonArray(ids)))).ToListAsync(cancellationToken);
        return found.Select(identify).ToDictionary(bucket => bucket.Id, bucket => bucket.Rev);
    }

    private static BsonBinaryData Binary(Guid rev) => new(rev, GuidRepresentation.Standard);
}
