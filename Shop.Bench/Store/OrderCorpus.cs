using System.Diagnostics;
using System.Globalization;
using MongoDB.Bson;
using MongoDB.Driver;

namespace Shop.Bench.Store;

/// <summary>A collection of documents of 1 KB with the index that an order history needs, and what is asked of it.</summary>
internal sealed class OrderCorpus(IMongoCollection<BsonDocument> orders, int count)
{
    public const int Batch = 500;
    public const int Writers = 2;
    public const int Finders = 16;
    private const int OrdersPerCustomer = 50;
    private const int Page = 20;

    /// <summary>Prime, so that multiples of it meet every document.</summary>
    private const long Stride = 7919;
    private static readonly BulkWriteOptions unordered = new() { IsOrdered = false };
    private static readonly DateTime start = new(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly string filler = new('x', 880);

    public int Count => count;

    /// <summary>Bytes of BSON in the whole collection.</summary>
    public long DataBytes => (long)count * Document(0, 1).ToBson().Length;

    public async Task FillAsync(CancellationToken cancellationToken)
    {
        await orders.Indexes.CreateOneAsync(new CreateIndexModel<BsonDocument>("{customerId: 1, orderDate: -1, _id: 1}"), cancellationToken: cancellationToken);
        var batches = Enumerable.Range(0, (count + Batch - 1) / Batch).Select(batch => Enumerable.Range(batch * Batch, Math.Min(Batch, count - batch * Batch)));
        await Parallel.ForEachAsync(batches, new ParallelOptions { MaxDegreeOfParallelism = Writers, CancellationToken = cancellationToken },
            async (batch, token) => await orders.InsertManyAsync(batch.Select(number => Document(number, 0)), new() { IsOrdered = false }, token));
    }

    /// <summary>Upserts per second that are guarded by the version, in unordered bulk writes; each one replaces.</summary>
    public Task<double> UpsertsAsync(TimeSpan duration, CancellationToken cancellationToken) => RateAsync(Writers, duration, async (writer, token) =>
    {
        // Each writer has its own documents, all over the collection and each once in a batch, so that no write finds a newer version.
        var (own, first, version) = (count / Writers, Random.Shared.Next(count), Stopwatch.GetTimestamp());
        var writes = new ReplaceOneModel<BsonDocument>[Batch];
        for (var i = 0; i < Batch; i++)
        {
            var document = Document((int)((first + i) * Stride % own) * Writers + writer, version);
            writes[i] = new(new BsonDocument { { "_id", document["_id"] }, { "version", new BsonDocument("$lt", version) } }, document) { IsUpsert = true };
        }

        await orders.BulkWriteAsync(writes, unordered, token);
        return Batch;
    }, cancellationToken);

    /// <summary>Finds by <c>_id</c> per second.</summary>
    public Task<double> FindsAsync(TimeSpan duration, CancellationToken cancellationToken) => RateAsync(Finders, duration, async (_, token) =>
    {
        await orders.Find(new BsonDocument("_id", Id(Random.Shared.Next(count)))).SingleAsync(token);
        return 1;
    }, cancellationToken);

    /// <summary>First pages of a customer's history per second: an indexed equality, a sort and a limit.</summary>
    public Task<double> PagesAsync(TimeSpan duration, CancellationToken cancellationToken) => RateAsync(Finders, duration, async (_, token) =>
    {
        await orders.Find(new BsonDocument("customerId", Customer(Random.Shared.Next(count)))).Sort("{orderDate: -1, _id: 1}").Limit(Page).ToListAsync(token);
        return 1;
    }, cancellationToken);

    /// <summary>The longest that one caller waits for a small write or for a find, in milliseconds, until the task ends.</summary>
    public async Task<double> LongestWaitAsync(Task end, CancellationToken cancellationToken)
    {
        var longest = TimeSpan.Zero;
        while (!end.IsCompleted)
        {
            var number = Random.Shared.Next(count);
            var began = Stopwatch.GetTimestamp();
            await orders.UpdateOneAsync(new BsonDocument("_id", Id(number)), new BsonDocument("$set", new BsonDocument("seen", began)), cancellationToken: cancellationToken);
            await orders.Find(new BsonDocument("_id", Id(number))).SingleAsync(cancellationToken);
            var waited = Stopwatch.GetElapsedTime(began);
            if (waited > longest) longest = waited;
        }

        await end;
        return longest.TotalMilliseconds;
    }

    /// <summary>Writes without pause until the task ends.</summary>
    public async Task WriteUntilAsync(Task end, CancellationToken cancellationToken)
    {
        while (!end.IsCompleted) await UpsertsAsync(TimeSpan.FromMilliseconds(200), cancellationToken);
    }

    private static async Task<double> RateAsync(int tasks, TimeSpan duration, Func<int, CancellationToken, Task<int>> stepAsync, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var done = await Task.WhenAll(Enumerable.Range(0, tasks).Select(task => Task.Run(async () =>
        {
            long steps = 0;
            while (Stopwatch.GetElapsedTime(began) < duration) steps += await stepAsync(task, cancellationToken);
            return steps;
        }, cancellationToken)));
        return done.Sum() / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private BsonDocument Document(int number, long version) => new()
    {
        { "_id", Id(number) }, { "version", version }, { "customerId", Customer(number) }, { "orderDate", start.AddMinutes(number % 500_000) }, { "status", "Pending" }, { "filler", filler },
    };

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"ORD{number:D8}");

    private string Customer(int number) => string.Create(CultureInfo.InvariantCulture, $"CUST{number % Math.Max(1, count / OrdersPerCustomer):D7}");
}
