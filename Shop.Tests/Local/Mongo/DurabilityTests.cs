using System.Collections.Concurrent;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Local.Mongo;
using Shop.Local.Mongo.Documents;
using Shop.Local.Mongo.Queries;
using Shop.Local.Mongo.Storage;
using Shop.Local.Verbs;

namespace Shop.Tests.Local.Mongo;

/// <summary>What was acknowledged is there after a kill, whatever the log looks like.</summary>
public sealed class DurabilityTests : IDisposable
{
    private const int Kills = 10, Writers = 4;
    private readonly string directory = Directory.CreateTempSubdirectory("shop-store-").FullName;
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(directory, true);

    [Fact]
    public async Task A_store_killed_ten_times_under_load_keeps_every_acknowledged_write()
    {
        var acknowledged = new ConcurrentDictionary<string, int>();
        var total = 0;
        for (var round = 0; round < Kills; round++)
        {
            using var store = await StoreProcess.StartAsync(directory, Token);
            using var client = store.Connect();
            var orders = client.GetDatabase("shop").GetCollection<BsonDocument>("orders");
            await AssertHasAsync(orders, acknowledged);
            if (round == 0)
                await orders.Indexes.CreateOneAsync(new CreateIndexModel<BsonDocument>("{writer: 1, version: -1}"), cancellationToken: Token);
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var target = total + 400 + round * 37;
            var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteUntilKilledAsync(orders, writer, acknowledged, () =>
            {
                if (Interlocked.Increment(ref total) >= target)
                    enough.TrySetResult();
            }))).ToArray();
            await enough.Task.WaitAsync(TimeSpan.FromSeconds(30), Token);
            await store.KillAsync(Token);
            await Task.WhenAll(writers);
        }
        using var last = await StoreProcess.StartAsync(directory, Token);
        using var reader = last.Connect();
        await AssertHasAsync(reader.GetDatabase("shop").GetCollection<BsonDocument>("orders"), acknowledged);
        Assert.True(total >= Kills * 400);
    }

    private static async Task WriteUntilKilledAsync(IMongoCollection<BsonDocument> orders, int writer, ConcurrentDictionary<string, int> acknowledged, Action wrote)
    {
        try
        {
            for (var number = 0; ; number++)
            {
                var ids = Enumerable.Range(0, 5).Select(offset => $"W{writer}-{(number * 5 + offset) % 300}").ToArray();
                var version = acknowledged.GetValueOrDefault(ids[0]) + 1;
                await orders.BulkWriteAsync(ids.Select(id => new UpdateOneModel<BsonDocument>(
                    Builders<BsonDocument>.Filter.Eq("_id", id), new BsonDocument("$set", new BsonDocument { { "writer", writer }, { "version", version }, { "filler", new string('x', 200) } })) { IsUpsert = true }),
                    new BulkWriteOptions { IsOrdered = false }, Token);
                foreach (var id in ids)
                    acknowledged[id] = version;
                wrote();
            }
        }
        catch (Exception killed) when (killed is MongoException or TimeoutException or IOException)
        {
            // What was under way may or may not be there; it was not acknowledged.
        }
    }

    private static async Task AssertHasAsync(IMongoCollection<BsonDocument> orders, ConcurrentDictionary<string, int> acknowledged)
    {
        var stored = (await orders.Find("{}").ToListAsync(Token)).ToDictionary(order => order["_id"].AsString, order => order["version"].AsInt32);
        Assert.All(acknowledged, entry => Assert.InRange(stored[entry.Key], entry.Value, entry.Value + 1));
        foreach (var writer in acknowledged.Keys.Select(id => id[1] - '0').Distinct())
            Assert.Equal(stored.Count(entry => entry.Key[1] - '0' == writer), (await orders.Find(new BsonDocument("writer", writer)).ToListAsync(Token)).Count);
    }

    [Fact]
    public async Task A_torn_end_is_cut_and_everything_before_it_stays()
    {
        await FillAsync(50);
        var segment = Directory.GetFiles(directory, "segment-*").Single();
        var whole = await File.ReadAllBytesAsync(segment, Token);
        foreach (var cut in new[] { 1, 5, 20 })
        {
            await File.WriteAllBytesAsync(segment, whole[..^cut], Token);
            Assert.Equal(49, Count());
        }
        await File.WriteAllBytesAsync(segment, [.. whole, 9, 9, 9], Token);
        Assert.Equal(50, Count());
    }

    [Fact]
    public async Task Damage_before_the_end_is_refused_with_a_sentence_and_not_repaired_away()
    {
        await FillAsync(50);
        var segment = Directory.GetFiles(directory, "segment-*").Single();
        var bytes = await File.ReadAllBytesAsync(segment, Token);
        bytes[bytes.Length / 2] ^= 0xFF;
        await File.WriteAllBytesAsync(segment, bytes, Token);
        Assert.Contains("damaged", Assert.Throws<DataDirectoryException>(() => Count()).Message, StringComparison.Ordinal);
        using var process = StoreProcess.Run("--port", "0", "--data", directory);
        var reason = await process.StandardError.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.Equal(1, process.ExitCode);
        Assert.Single(reason.Trim().Split('\n'));
    }

    [Fact]
    public async Task A_directory_in_use_and_a_port_in_use_are_refused()
    {
        await using var server = await StoreServer.StartAsync(new StoreOptions { DataDirectory = directory }, Token);
        await Assert.ThrowsAsync<DataDirectoryException>(() => StoreServer.StartAsync(new StoreOptions { DataDirectory = directory }, Token));
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => StoreServer.StartAsync(new StoreOptions { Port = server.Port }, Token));
        Assert.Equal(ShopCommandLine.Misunderstood, await ShopCommandLine.RunAsync(["mongo", "--port", "many"], Token));
        Assert.Equal(ShopCommandLine.Misunderstood, await ShopCommandLine.RunAsync(["mongo", "--listen", "somewhere"], Token));
        Assert.Equal(ShopCommandLine.Failed, await ShopCommandLine.RunAsync(["mongo", "--port", $"{server.Port}"], Token));
        Assert.Equal(ShopCommandLine.Failed, await ShopCommandLine.RunAsync(["mongo", "--port", "0", "--data", directory], Token));
    }

    [Fact]
    public async Task Collections_indexes_renames_and_drops_come_back()
    {
        await using (var server = await StoreServer.StartAsync(new StoreOptions { DataDirectory = directory }, Token))
        using (var client = new MongoClient(server.ConnectionString))
        {
            var database = client.GetDatabase("shop");
            foreach (var name in new[] { "kept", "renamed", "dropped" })
            {
                await database.GetCollection<BsonDocument>(name).InsertOneAsync(new BsonDocument("_id", name), cancellationToken: Token);
                await database.GetCollection<BsonDocument>(name).Indexes.CreateManyAsync([new CreateIndexModel<BsonDocument>("{a: 1}", new CreateIndexOptions { Unique = true }), new CreateIndexModel<BsonDocument>("{b: -1}")], Token);
            }
            await database.GetCollection<BsonDocument>("kept").Indexes.DropOneAsync("b_-1", Token);
            await database.RenameCollectionAsync("renamed", "new", cancellationToken: Token);
            await database.DropCollectionAsync("dropped", Token);
            await database.GetCollection<BsonDocument>("kept").WithWriteConcern(WriteConcern.W1.With(journal: true)).InsertOneAsync(new BsonDocument { { "_id", 2 }, { "a", 1 } }, cancellationToken: Token);
        }
        using var catalog = new Catalog(directory);
        Assert.Equal(["shop.kept", "shop.new"], catalog.Collections.Select(collection => collection.Namespace).Order());
        Assert.Equal(["_id_", "a_1"], catalog.Find("shop.kept")!.Indexes.Select(index => index.Definition.Name));
        Assert.Equal(["_id_", "a_1", "b_-1"], catalog.Find("shop.new")!.Indexes.Select(index => index.Definition.Name));
        Assert.Equal(2, catalog.Find("shop.kept")!.Count);
    }

    [Fact]
    public async Task A_snapshot_taken_under_load_loses_and_revives_nothing()
    {
        using (var catalog = new Catalog(directory))
        {
            using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var collection = catalog.FindOrCreate("shop.load");
            var writer = Task.Run(() => Churn(catalog, collection, stopping.Token), Token);
            for (var round = 0; round < 5; round++)
                catalog.Compact(Token);
            await stopping.CancelAsync();
            var expected = await writer;
            Assert.Single(Directory.GetFiles(directory, "snapshot-*"));
            Assert.Single(Directory.GetFiles(directory, "segment-*"));
            Assert.Equal(expected.Count, collection.Count);
            await File.WriteAllTextAsync(Path.Combine(directory, "expected.txt"), string.Join('\n', expected.Select(entry => $"{entry.Key}={entry.Value}")), Token);
        }
        using var reopened = new Catalog(directory);
        var stored = Executor.Find(reopened.Find("shop.load"), new Query(new AllOf([]))).Select(bytes => RawValue.Document(bytes).ToDocument()).Select(document => $"{document["_id"]}={document["v"]}");
        Assert.Equal((await File.ReadAllLinesAsync(Path.Combine(directory, "expected.txt"), Token)).Order(StringComparer.Ordinal), stored.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task While_a_snapshot_is_being_written_its_collection_is_free()
    {
        using var catalog = new Catalog(directory);
        var collection = catalog.FindOrCreate("shop.free");
        for (var id = 0; id < 1_000; id++)
        {
            lock (collection.Gate)
            {
                collection.Insert(RawValue.Of(new BsonDocument { { "_id", id }, { "text", new string('x', 4_000) } }));
                catalog.Commit(collection.Pending);
            }
        }
        var frames = 0;
        foreach (var _ in collection.Contents())
        {
            frames++;
            Assert.True(await Task.Run(() =>
            {
                var isFree = collection.Gate.TryEnter();
                if (isFree) collection.Gate.Exit();
                return isFree;
            }, Token), $"The collection is held while frame {frames} is being written.");
        }

        Assert.Equal(4, frames);
    }

    [Fact]
    public void One_flush_serves_everyone_who_wrote_before_it()
    {
        using var journal = Journal.Open(directory, _ => { });
        var positions = new List<long>();
        for (var write = 0; write < 5; write++)
        {
            var batch = new ChangeBatch();
            batch.Drop(write);
            positions.Add(journal.Append(batch));
        }
        journal.Sync(positions[3]);
        foreach (var position in positions)
            journal.Sync(position);
        Assert.Equal(1, journal.Flushes);
        var last = new ChangeBatch();
        last.Drop(9);
        journal.Sync(journal.Append(last));
        Assert.Equal(2, journal.Flushes);
    }

    /// <summary>Inserts, replaces and deletes until told to stop; returns what must be there.</summary>
    private static Dictionary<int, int> Churn(Catalog catalog, Collection collection, CancellationToken cancellationToken)
    {
        var expected = new Dictionary<int, int>();
        var random = new Random(7);
        for (var number = 0; !cancellationToken.IsCancellationRequested || number < 5_000; number++)
        {
            var id = random.Next(3_000);
            var document = new BsonDocument { { "_id", id }, { "v", number } };
            lock (collection.Gate)
            {
                var record = collection.IdIndex.Tree.Find(KeyWriter.Of((BsonValue)id));
                if (record is null)
                    collection.Insert(RawValue.Of(document));
                else if (number % 3 == 0)
                    collection.Delete(record);
                else
                    collection.Replace(record, RawValue.Of(document));
                if (record is not null && number % 3 == 0)
                    expected.Remove(id);
                else
                    expected[id] = number;
                catalog.Commit(collection.Pending);
            }
        }
        return expected;
    }

    private async Task FillAsync(int count)
    {
        await using var server = await StoreServer.StartAsync(new StoreOptions { DataDirectory = directory }, Token);
        using var client = new MongoClient(server.ConnectionString);
        for (var number = 0; number < count; number++)
            await client.GetDatabase("shop").GetCollection<BsonDocument>("orders").InsertOneAsync(new BsonDocument("_id", number), cancellationToken: Token);
    }

    private int Count()
    {
        using var catalog = new Catalog(directory);
        return catalog.Find("shop.orders")!.Count;
    }
}
