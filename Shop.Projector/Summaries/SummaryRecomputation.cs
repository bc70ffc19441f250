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

    /// <summary>Replaced by one command: enough to make round trips cheap, few enough to keep commands short.</summary>
    public const int Page = 200;

    /// <summary>Months or days summed at once: an import brings orders of very many days, of which each is a command.</summary>
    private const int PeriodsAtOnce = 8;

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
            await foreach (var buckets in StepsAsync(models.Generation(number), Page, restAsync, cancellationToken)) recomputed += buckets;
        return recomputed;
    }

    /// <summary>The same of one generation.</summary>
    public static async Task<int> SweepAsync(ReadModelGeneration generation, CancellationToken cancellationToken)
    {
        var recomputed = 0;
        await foreach (var buckets in StepsAsync(generation, Page, cancellationToken)) recomputed += buckets;
        return recomputed;
    }

    /// <summary>
    /// The same as a sequence of writes that may end after any of them; each says how many buckets it brought up to date: about
    /// <paramref name="page"/> of them.
    /// </summary>
    public static IAsyncEnumerable<int> StepsAsync(ReadModelGeneration generation, int page, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(generation);
        return StepsAsync(generation, page, Restless, cancellationToken);
    }

    private static Task Restless(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async IAsyncEnumerable<int> StepsAsync(
        ReadModelGeneration generation, int page, Func<CancellationToken, Task> restAsync, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var (buckets, isAll) = await DirtyBuckets.ReadAsync(generation, MostBuckets, cancellationToken);
            if (buckets.IsEmpty) yield break;
            await foreach (var written in RecomputeAsync(generation, buckets, page, restAsync, cancellationToken))
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
        ReadModelGeneration generation, DirtyBuckets buckets, int page, Func<CancellationToken, Task> restAsync,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var step in StepsOf(buckets.CustomersByMonth, page, most: page))
        {
            var steps = ReplaceAsync(
                generation.CustomerMonths, step, bucket => OrderSums.CustomerMonthId(bucket.Key, bucket.From),
                (pending, rev) => SumAsync(pending, (month, ids) => OrderSums.CustomerMonthsAsync(generation, ids, month, rev, cancellationToken), restAsync, cancellationToken),
                cancellationToken);
            await foreach (var written in steps) yield return written;
        }

        foreach (var step in StepsOf(buckets.ProductsByDay, page, most: DayPage))
        {
            var steps = ReplaceAsync(
                generation.ProductDays, step, bucket => OrderSums.ProductDayId(bucket.Key, bucket.From),
                (pending, rev) => SumAsync(pending, (day, ids) => OrderSums.ProductDaysAsync(generation, ids, day, rev, restAsync, cancellationToken), restAsync, cancellationToken),
                cancellationToken);
            await foreach (var written in steps) yield return written;
        }

        // After the days: a total is the sum of what they are now.
        var sold = buckets.ProductsByDay.Values.SelectMany(products => products).ToHashSet();
        foreach (var products in sold.Chunk(page))
        {
            var steps = ReplaceAsync(
                generation.ProductSales, [.. products.Select(product => new Bucket(default, product))], bucket => bucket.Key,
                (pending, rev) => SumAsync(pending, (_, ids) => OrderSums.ProductSalesAsync(generation, ids, rev, cancellationToken), restAsync, cancellationToken),
                cancellationToken);
            await foreach (var written in steps) yield return written;
        }
    }

    /// <summary>Periods share a step up to a page; one with more has steps of its own, of <paramref name="most"/> keys.</summary>
    private static IEnumerable<Bucket[]> StepsOf(Dictionary<DateTimeOffset, HashSet<string>> periods, int page, int most)
    {
        List<Bucket> step = [];
        foreach (var (from, keys) in periods)
        {
            foreach (var part in keys.Chunk(most))
            {
                if (step.Count > 0 && step.Count + part.Length > page)
                {
                    yield return [.. step];
                    step.Clear();
                }

                step.AddRange(part.Select(key => new Bucket(from, key)));
            }
        }

        if (step.Count > 0) yield return [.. step];
    }

    /// <summary>Period by period, some at once.</summary>
    private static async Task<Dictionary<Bucket, T>> SumAsync<T>(
        IReadOnlyCollection<Bucket> buckets, Func<DateTimeOffset, IReadOnlyCollection<string>, Task<Dictionary<string, T>>> sumAsync,
        Func<CancellationToken, Task> restAsync, CancellationToken cancellationToken)
    {
        Dictionary<Bucket, T> sums = [];
        foreach (var periods in buckets.GroupBy(bucket => bucket.From, bucket => bucket.Key).Chunk(PeriodsAtOnce))
        {
            if (sums.Count > 0) await restAsync(cancellationToken);
            var summed = await Task.WhenAll(periods.Select(period => sumAsync(period.Key, [.. period])));
            foreach (var (period, ofPeriod) in periods.Zip(summed))
                foreach (var (key, sum) in ofPeriod) sums.Add(new(period.Key, key), sum);
        }

        return sums;
    }

    /// <summary>Sums and replaces until every one of the buckets was ours to write: whoever wrote one in between may have summed less than we must.</summary>
    private static async IAsyncEnumerable<int> ReplaceAsync<T>(
        IMongoCollection<T> buckets, IReadOnlyCollection<Bucket> keys, Func<Bucket, string> bucketIdOf,
        Func<IReadOnlyCollection<Bucket>, Guid, Task<Dictionary<Bucket, T>>> sumAsync, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var pending = keys; pending.Count > 0;)
        {
            var rev = Guid.CreateVersion7();
            // Before the sums: a sum may replace only a bucket that was there when it began.
            var before = await RevsAsync(buckets, pending.Select(bucketIdOf), cancellationToken);
            var sums = await sumAsync(pending, rev);
            WriteModel<T>[] writes = [.. pending.Select(key => Write(bucketIdOf(key), sums[key]))];
            IReadOnlyCollection<Bucket> missed = [];
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

    /// <summary>A customer's month, a product's day, or a product.</summary>
    private readonly record struct Bucket(DateTimeOffset From, string Key);
}
