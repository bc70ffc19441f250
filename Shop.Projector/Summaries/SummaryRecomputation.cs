using System.Runtime.CompilerServices;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Reliability;

namespace Shop.Projector.Summaries;

/// <summary>
/// Recomputes the buckets that are marked dirty: read marks, sum the orders of each bucket, replace the bucket if nobody else has since its
/// <c>rev</c> was read (else sum again), then sum the totals of the products whose days have changed, and delete the marks last. So any number of
/// projectors may sweep at once, and any of them may die anywhere: what was marked is still marked.
/// </summary>
public sealed class SummaryRecomputation(ReadModels models)
{
    /// <summary>At most so many distinct buckets are in memory at once.</summary>
    private const int MostBuckets = 100_000;

    /// <summary>Summed by one command: enough to make round trips cheap, few enough to keep commands short.</summary>
    private const int Page = 200;

    /// <summary>Of a day: all where possible, because each page reads all orders of the day.</summary>
    private const int DayPage = 5_000;

    /// <summary>Recomputes everything dirty in the written generations once. Answers how many buckets it brought up to date.</summary>
    public Task<int> SweepAsync(CancellationToken cancellationToken) => SweepAsync(Restless, cancellationToken);

    /// <summary>The same in the background: after each command of some length it rests.</summary>
    public async Task<int> SweepAsync(Func<CancellationToken, Task> restAsync, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(restAsync);
        var recomputed = 0;
        if (await models.FindStateAsync(cancellationToken) is not { } state) return 0;
        foreach (var number in state.Writing)
            await foreach (var buckets in StepsAsync(models.Generation(number), restAsync, cancellationToken)) recomputed += buckets;
        return recomputed;
    }

    /// <summary>The same of one generation.</summary>
    public static async Task<int> SweepAsync(ReadModelGeneration generation, CancellationToken cancellationToken)
    {
        var recomputed = 0;
        await foreach (var buckets in StepsAsync(generation, cancellationToken)) recomputed += buckets;
        return recomputed;
    }

    /// <summary>The same as a sequence of writes that may end after any of them; each says how many buckets it brought up to date.</summary>
    public static IAsyncEnumerable<int> StepsAsync(ReadModelGeneration generation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(generation);
        return StepsAsync(generation, Restless, cancellationToken);
    }

    private static Task Restless(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async IAsyncEnumerable<int> StepsAsync(
        ReadModelGeneration generation, Func<CancellationToken, Task> restAsync, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var (buckets, isAll) = await DirtyBuckets.ReadAsync(generation, MostBuckets, cancellationToken);
            if (buckets.IsEmpty) yield break;
            await foreach (var written in RecomputeAsync(generation, buckets, restAsync, cancellationToken))
            {
                yield return written;
                await restAsync(cancellationToken);
            }

            CrashPoint.Reached(CrashPoint.AfterSumBeforeUnmark);
            await buckets.ClearAsync(generation, cancellationToken);
            if (isAll) yield break;
        }
    }

    private static async IAsyncEnumerable<int> RecomputeAsync(
        ReadModelGeneration generation, DirtyBuckets buckets, Func<CancellationToken, Task> restAsync, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (month, customers) in buckets.CustomersByMonth)
        {
            foreach (var page in customers.Chunk(Page))
            {
                var steps = ReplaceAsync(
                    generation.CustomerMonths, page, customer => OrderSums.CustomerMonthId(customer, month),
                    (ids, rev) => OrderSums.CustomerMonthsAsync(generation, ids, month, rev, cancellationToken), cancellationToken);
                await foreach (var written in steps) yield return written;
            }
        }

        HashSet<string> sold = [];
        foreach (var (day, products) in buckets.ProductsByDay)
        {
            sold.UnionWith(products);
            foreach (var page in products.Chunk(DayPage))
            {
                var steps = ReplaceAsync(
                    generation.ProductDays, page, product => OrderSums.ProductDayId(product, day),
                    (ids, rev) => OrderSums.ProductDaysAsync(generation, ids, day, rev, restAsync, cancellationToken), cancellationToken);
                await foreach (var written in steps) yield return written;
            }
        }

        // After the days: a total is the sum of what they are now.
        foreach (var page in sold.Chunk(Page))
        {
            var steps = ReplaceAsync(
                generation.ProductSales, page, product => product,
                (ids, rev) => OrderSums.ProductSalesAsync(generation, ids, rev, cancellationToken), cancellationToken);
            await foreach (var written in steps) yield return written;
        }
    }

    /// <summary>Sums and replaces until every one of the buckets was ours to write: whoever wrote one in between may have summed less than we must.</summary>
    private static async IAsyncEnumerable<int> ReplaceAsync<T>(
        IMongoCollection<T> buckets, IReadOnlyCollection<string> keys, Func<string, string> bucketIdOf,
        Func<IReadOnlyCollection<string>, Guid, Task<Dictionary<string, T>>> sumAsync, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var pending = keys; pending.Count > 0;)
        {
            var rev = Guid.CreateVersion7();
            // Before the sums: a sum may replace only a bucket that was there when it began.
            var before = await RevsAsync(buckets, pending.Select(bucketIdOf), cancellationToken);
            var sums = await sumAsync(pending, rev);
            WriteModel<T>[] writes = [.. pending.Select(key => Write(bucketIdOf(key), sums[key]))];
            IReadOnlyCollection<string> missed = [];
            if (!await TryWriteAsync(buckets, writes, cancellationToken))
            {
                var after = await RevsAsync(buckets, pending.Select(bucketIdOf), cancellationToken);
                missed = [.. pending.Where(key => after.GetValueOrDefault(bucketIdOf(key)) != rev)];
            }

            yield return pending.Count - missed.Count;
            pending = missed;

            WriteModel<T> Write(string id, T sum) => before.TryGetValue(id, out var known)
                ? new ReplaceOneModel<T>(new BsonDocument { { "_id", id }, { "rev", new BsonBinaryData(known, GuidRepresentation.Standard) } }, sum)
                : new InsertOneModel<T>(sum);
        }
    }

    /// <summary>Whether every one of the buckets was ours to write.</summary>
    private static async Task<bool> TryWriteAsync<T>(IMongoCollection<T> buckets, WriteModel<T>[] writes, CancellationToken cancellationToken)
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

    private static async Task<Dictionary<string, Guid>> RevsAsync<T>(IMongoCollection<T> buckets, IEnumerable<string> ids, CancellationToken cancellationToken)
    {
        var found = await buckets.Find(new BsonDocument("_id", new BsonDocument("$in", new BsonArray(ids))))
            .Project<BsonDocument>(new BsonDocument("rev", 1)).ToListAsync(cancellationToken);
        return found.ToDictionary(bucket => bucket["_id"].AsString, bucket => bucket["rev"].AsBsonBinaryData.ToGuid(GuidRepresentation.Standard));
    }
}
