using System.Diagnostics;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;

namespace Shop.Bench.Store;

/// <summary>
/// The local document store, a process of its own, through MongoDB.Driver: how fast, whether a million documents cost more than a thousand,
/// what memory they take, how long a start with them is, and how long a caller waits while the log is compacted.
/// </summary>
internal static class StoreBenchmark
{
    private const int SmallCount = 1_000;
    private const int LargeCount = 1_000_000;
    private const int CompactedCount = 100_000;
    private const double LongestPause = 100;
    private const string Throughput = "throughput";
    private static readonly string[] sides = ["load", "store"];
    private static readonly TimeSpan reloadDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan step = TimeSpan.FromMilliseconds(5);

    public static Benchmark Definition { get; } = new("store", "the local document store: upserts, finds, a million documents beside a thousand, memory, reload, compaction", RunAsync);

    private static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        var data = Directory.CreateTempSubdirectory("shop-bench-store-").FullName;
        try
        {
            List<Result> results = [];
            await using (var store = await RunningPart.StoreAsync(data, cancellationToken))
            using (var client = Connect(store))
                results.AddRange(await RatesAsync(run, client, store.ProcessId, cancellationToken));
            results.AddRange(await ReloadsAsync(run, data, cancellationToken));
            results.AddRange(await CompactionAsync(run, cancellationToken));
            return results;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static MongoClient Connect(RunningPart store)
    {
        var settings = MongoClientSettings.FromConnectionString(store.Address);
        settings.ServerSelectionTimeout = reloadDeadline;
        return new(settings);
    }

    private static async Task<OrderCorpus> FilledAsync(MongoClient client, string name, int count, CancellationToken cancellationToken)
    {
        var corpus = new OrderCorpus(client.GetDatabase("shop").GetCollection<BsonDocument>(name), count);
        await corpus.FillAsync(cancellationToken);
        return corpus;
    }

    private static async Task<IEnumerable<Result>> RatesAsync(BenchRun run, MongoClient client, int storeId, CancellationToken cancellationToken)
    {
        var times = new ProcessorTimes((sides[0], Environment.ProcessId), (sides[1], storeId));
        var small = await FilledAsync(client, "small", SmallCount, cancellationToken);
        run.Say("filling the large collection");
        var large = await FilledAsync(client, "large", run.Scale(LargeCount), cancellationToken);
        var writing = Conditions("unordered bulk writes of 500, 2 tasks");
        var reading = Conditions("one at a time, 16 tasks");
        (Subject Small, Subject Large, double? Wanted)[] pairs =
        [
            Pair("guarded upserts", "upserts/s", writing, corpus => corpus.UpsertsAsync, 15_000),
            Pair("finds by _id", "finds/s", reading, corpus => corpus.FindsAsync, 20_000),
            Pair("first pages by index, sorted", "pages/s", reading, corpus => corpus.PagesAsync, null),
        ];
        foreach (var (subject, other, _) in pairs)
        {
            await subject.MeasureAsync(cancellationToken);
            await other.MeasureAsync(cancellationToken);
        }

        var series = await run.InterleaveAsync([.. pairs.SelectMany(pair => new[] { pair.Small, pair.Large })], cancellationToken);
        return pairs.SelectMany(pair => (Result[])
        [
            run.Result(series[pair.Small, Throughput], target: pair.Wanted is { } wanted ? Target.AtLeast(wanted) : null),
            run.Result(series[pair.Large, Throughput], series[pair.Small, Throughput], Target.AtLeastTimes(0.5)),
            .. sides.Select(side => run.Result(series[pair.Large, ProcessorTimes.Of(side)], series[pair.Small, ProcessorTimes.Of(side)])),
        ]);

        (Subject Small, Subject Large, double? Wanted) Pair(
            string name, string unit, Conditions conditions, Func<OrderCorpus, Func<TimeSpan, CancellationToken, Task<double>>> measure, double? wanted)
        {
            Subject Of(OrderCorpus corpus) => new($"{name}, {corpus.Count:#,0} documents", conditions,
                token => times.AroundAsync(Throughput, unit, () => measure(corpus)(run.Duration / 2, token)));
            return (Of(small), Of(large), wanted);
        }
    }

    /// <summary>Starts the store again on what the rates left behind.</summary>
    private static async Task<IEnumerable<Result>> ReloadsAsync(BenchRun run, string data, CancellationToken cancellationToken)
    {
        var documents = run.Scale(LargeCount);
        var start = new Subject($"{documents:#,0} documents of 1 KB", Conditions("one start at a time"), async token =>
        {
            var began = Stopwatch.GetTimestamp();
            await using var store = await RunningPart.StoreAsync(data, token);
            using var client = Connect(store);
            var large = client.GetDatabase("shop").GetCollection<BsonDocument>("large");
            await large.Find(FilterDefinition<BsonDocument>.Empty).Limit(1).SingleAsync(token);
            var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            var bytes = new OrderCorpus(large, documents).DataBytes;
            return [new("start to first answer", seconds, "s"), new("memory per byte of BSON", ResidentMemory.Now(store.ProcessId) / (double)bytes, "x")];
        });
        var series = await run.InterleaveAsync([start], cancellationToken);
        return [run.Result(series[start, "start to first answer"], target: Target.AtMost(20)), run.Result(series[start, "memory per byte of BSON"], target: Target.AtMost(3))];
    }

    /// <summary>The longest wait of a caller beside two writers, until the store has put a snapshot in the place of its log.</summary>
    private static async Task<IEnumerable<Result>> CompactionAsync(BenchRun run, CancellationToken cancellationToken)
    {
        var data = Directory.CreateTempSubdirectory("shop-bench-compaction-").FullName;
        try
        {
            await using var store = await RunningPart.StoreAsync(data, cancellationToken);
            using var client = Connect(store);
            var corpus = await FilledAsync(client, "compacted", CompactedCount, cancellationToken);
            var conditions = Conditions("one write and one find after the other, beside 2 writers of 500");
            var during = Subject.Of("while the log is compacted", "longest wait", "ms", conditions, token => WaitAsync(NextSnapshotAsync(data, token), token));
            var beside = Subject.Of("while it is not", "longest wait", "ms", conditions, token => WaitAsync(Task.Delay(run.Duration, token), token));
            await beside.MeasureAsync(cancellationToken);
            var series = await run.InterleaveAsync([during, beside], cancellationToken);
            return [run.Result(series[during], series[beside], Target.AtMost(LongestPause))];

            async Task<double> WaitAsync(Task end, CancellationToken token)
            {
                var writing = corpus.WriteUntilAsync(end, token);
                var longest = await corpus.LongestWaitAsync(end, token);
                await writing;
                return longest;
            }
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task NextSnapshotAsync(string data, CancellationToken cancellationToken)
    {
        var known = Directory.GetFiles(data, "snapshot-????????");
        while (!Directory.GetFiles(data, "snapshot-????????").Except(known).Any()) await Task.Delay(step, cancellationToken);
    }

    private static Conditions Conditions(string batching) => new("in the log file before it is answered, no fsync", batching, "client and store share the machine's cores");
}
