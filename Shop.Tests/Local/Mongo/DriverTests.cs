using MongoDB.Bson;
using MongoDB.Driver;

namespace Shop.Tests.Local.Mongo;

/// <summary>The C# driver against the store: what the projector and the queries do, and what MongoDB answers.</summary>
public sealed class DriverTests(StoreFixture store) : IClassFixture<StoreFixture>
{
    private static readonly FilterDefinitionBuilder<BsonDocument> Where = Builders<BsonDocument>.Filter;
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_document_comes_back_as_it_was_written()
    {
        var collection = store.NewCollection();
        var document = BsonDocument.Parse("""{_id: "ORD12345", version: 1, customerName: "Alice Smith", orderDate: ISODate("2023-10-27T10:00:00Z"), totalAmount: NumberDecimal("46.00"), items: [{productId: "PROD001", quantity: 2}, {productId: "PROD002", quantity: 1}]}""");
        await collection.InsertOneAsync(document, cancellationToken: Token);
        Assert.Equal(document, await collection.Find(Where.Eq("_id", "ORD12345")).SingleAsync(Token));
    }

    [Fact]
    public async Task Two_hundred_concurrent_versions_of_one_document_end_at_the_highest()
    {
        var collection = store.NewCollection();
        var versions = Enumerable.Range(1, 200).ToArray();
        Random.Shared.Shuffle(versions);
        await Parallel.ForEachAsync(versions, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Token }, async (version, cancellationToken) =>
        {
            var model = new ReplaceOneModel<BsonDocument>(Where.Eq("_id", "one") & Where.Lt("version", version), new BsonDocument("version", version)) { IsUpsert = true };
            try
            {
                await collection.BulkWriteAsync([model], new BulkWriteOptions { IsOrdered = false }, cancellationToken);
            }
            catch (MongoBulkWriteException<BsonDocument> stale) when (stale.WriteErrors.All(error => error.Code == 11000))
            {
                // Something newer, or a racing insert: without upsert, only "matched 0" means that newer is there.
                await collection.ReplaceOneAsync(model.Filter, model.Replacement, cancellationToken: cancellationToken);
            }
        });
        Assert.Equal(200, (await collection.Find(Where.Empty).SingleAsync(Token))["version"]);
    }

    [Fact]
    public async Task An_unordered_bulk_goes_on_behind_a_duplicate_and_an_ordered_one_stops()
    {
        foreach (var (ordered, expected) in new[] { (false, 3), (true, 1) })
        {
            var collection = store.NewCollection();
            InsertOneModel<BsonDocument>[] models = [.. "aabc".Select(id => id.ToString()).Select(id => new InsertOneModel<BsonDocument>(new BsonDocument("_id", id)))];
            var failure = await Assert.ThrowsAsync<MongoBulkWriteException<BsonDocument>>(() => collection.BulkWriteAsync(models, new BulkWriteOptions { IsOrdered = ordered }, Token));
            Assert.Equal(11000, Assert.Single(failure.WriteErrors).Code);
            Assert.Equal(expected, await collection.CountDocumentsAsync(Where.Empty, cancellationToken: Token));
        }
    }

    [Fact]
    public async Task An_upsert_takes_the_equalities_of_its_query()
    {
        var collection = store.NewCollection();
        var filter = BsonDocument.Parse("""{_id: 7, "customer.id": "C1", $and: [{status: {$eq: "Paid"}}], $or: [{kind: "x"}], version: {$lt: 5}}""");
        await collection.UpdateOneAsync(filter, BsonDocument.Parse("{$set: {version: 5}, $setOnInsert: {n: 1}}"), new UpdateOptions { IsUpsert = true }, Token);
        Assert.Equal(BsonDocument.Parse("""{_id: 7, customer: {id: "C1"}, status: "Paid", kind: "x", version: 5, n: 1}"""), Sorted(await collection.Find(Where.Empty).SingleAsync(Token)));

        static BsonDocument Sorted(BsonDocument found) => new() { { "_id", found["_id"] }, { "customer", found["customer"] }, { "status", found["status"] }, { "kind", found["kind"] }, { "version", found["version"] }, { "n", found["n"] } };
    }

    [Theory]
    [InlineData("{$set: {a: 1, 'a.b': 2}}", 40)]
    [InlineData("{$set: {a: 1}, $inc: {a: 1}}", 40)]
    [InlineData("{$set: {_id: 2}}", 66)]
    [InlineData("{$inc: {text: 1}}", 14)]
    [InlineData("{$push: {text: 1}}", 2)]
    [InlineData("{$set: {'text.x': 1}}", 28)]
    [InlineData("{$bit: {n: {and: 1}}}", 9)]
    [InlineData("{$set: {'list.$': 1}}", 2)]
    [InlineData("{$set: {'list.$[x]': 1}}", 2)]
    [InlineData("{$inc: {max: 1}}", 2)]
    public async Task A_wrong_update_is_refused_with_the_code_of_mongodb_and_changes_nothing(string update, int code)
    {
        var collection = store.NewCollection();
        var before = BsonDocument.Parse("{_id: 1, text: 'x', list: [1, 2], max: NumberLong('9223372036854775807')}");
        await collection.InsertOneAsync(before, cancellationToken: Token);
        var failure = await Assert.ThrowsAsync<MongoWriteException>(() => collection.UpdateOneAsync("{_id: 1}", BsonDocument.Parse(update), cancellationToken: Token));
        Assert.Equal(code, failure.WriteError.Code);
        Assert.Equal(before, await collection.Find("{_id: 1}").SingleAsync(Token));
    }

    [Theory]
    [InlineData("{aggregate: 'x', pipeline: [{$facet: {}}], cursor: {}}", 40324, "Location40324")]
    [InlineData("{aggregate: 'x', pipeline: [{$changeStream: {}}], cursor: {}}", 40573, "Location40573")]
    [InlineData("{aggregate: 'x', pipeline: [{$group: {_id: 1, n: {$stdDevPop: 1}}}], cursor: {}}", 15952, "Location15952")]
    [InlineData("{find: 'x', filter: {$where: '1'}}", 2, "BadValue")]
    [InlineData("{find: 'x', filter: {a: {$geoWithin: 1}}}", 2, "BadValue")]
    [InlineData("{find: 'x', hint: 'nothing'}", 2, "BadValue", true)]
    [InlineData("{find: 'x', projection: {a: 1, b: 0}}", 31254, "Location31254")]
    [InlineData("{find: 'x', collation: {locale: 'de'}}", 115, "CommandNotSupported")]
    [InlineData("{find: 'x', tailable: true}", 115, "CommandNotSupported")]
    [InlineData("{mapReduce: 'x'}", 59, "CommandNotFound")]
    [InlineData("{insert: 'x', documents: [{}], startTransaction: true, txnNumber: 1, autocommit: false}", 20, "IllegalOperation")]
    [InlineData("{insert: 'x', documents: []}", 16, "InvalidLength")]
    [InlineData("{insert: 'x', documents: [{_id: 1}], writeConcern: {w: 2}}", 2, "BadValue")]
    [InlineData("{createIndexes: 'x', indexes: [{key: {a: 'text'}, name: 'a'}]}", 67, "CannotCreateIndex")]
    [InlineData("{createIndexes: 'x', indexes: [{key: {a: 1}, name: 'a', partialFilterExpression: {b: 1}}]}", 197, "InvalidIndexSpecificationOption")]
    [InlineData("{getMore: 12345, collection: 'x'}", 43, "CursorNotFound")]
    [InlineData("{dropIndexes: 'missing', index: 'a'}", 26, "NamespaceNotFound")]
    public async Task What_is_not_supported_is_refused_with_code_and_name(string command, int code, string name, bool needsCollection = false)
    {
        if (needsCollection)
            await store.Database.GetCollection<BsonDocument>("x").InsertOneAsync([], cancellationToken: Token);
        var failure = await Assert.ThrowsAsync<MongoCommandException>(() => store.Database.RunCommandAsync<BsonDocument>(BsonDocument.Parse(command), cancellationToken: Token));
        Assert.Equal((code, name), (failure.Code, failure.CodeName));
    }

    [Fact]
    public async Task A_pipeline_update_merges_objects_and_sees_the_document_before()
    {
        var collection = store.NewCollection();
        await collection.InsertOneAsync(BsonDocument.Parse("{_id: 1, n: {x: 1}, items: [{id: 'a', name: 'old', v: 1}, {id: 'b', name: 'keep', v: 9}]}"), cancellationToken: Token);
        var update = new BsonDocumentStagePipelineDefinition<BsonDocument, BsonDocument>([BsonDocument.Parse("""
            {$set: {n: {z: 1}, items: {$map: {input: "$items", as: "item", in: {$cond: [{$and: [{$eq: ["$$item.id", "a"]}, {$lt: ["$$item.v", 5]}]}, {$mergeObjects: ["$$item", {name: "new", v: 5}]}, "$$item"]}}}}}
            """)]);
        await collection.UpdateOneAsync("{_id: 1}", update, cancellationToken: Token);
        Assert.Equal(BsonDocument.Parse("{_id: 1, n: {x: 1, z: 1}, items: [{id: 'a', name: 'new', v: 5}, {id: 'b', name: 'keep', v: 9}]}"), await collection.Find("{_id: 1}").SingleAsync(Token));
    }

    [Fact]
    public async Task A_unique_index_holds_under_concurrent_inserts()
    {
        var collection = store.NewCollection();
        await collection.Indexes.CreateOneAsync(new CreateIndexModel<BsonDocument>("{email: 1, shop: 1}", new CreateIndexOptions { Unique = true }), cancellationToken: Token);
        var refused = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 200), Token, async (number, cancellationToken) =>
        {
            try
            {
                await collection.InsertOneAsync(new BsonDocument { { "email", $"e{number % 20}" }, { "shop", 1 } }, cancellationToken: cancellationToken);
            }
            catch (MongoWriteException duplicate) when (duplicate.WriteError.Category == ServerErrorCategory.DuplicateKey)
            {
                Interlocked.Increment(ref refused);
            }
        });
        Assert.Equal(180, refused);
        Assert.Equal(20, await collection.CountDocumentsAsync(Where.Empty, cancellationToken: Token));
    }

    [Fact]
    public async Task A_cursor_survives_changes_and_fails_when_its_collection_goes()
    {
        var collection = store.NewCollection();
        await collection.InsertManyAsync(Enumerable.Range(0, 2000).Select(number => new BsonDocument("_id", number)), cancellationToken: Token);
        using var cursor = await collection.Find(Where.Empty, new FindOptions { BatchSize = 300 }).ToCursorAsync(Token);
        Assert.True(await cursor.MoveNextAsync(Token));
        await collection.DeleteManyAsync("{_id: {$gte: 1000}}", Token);
        Assert.True(await cursor.MoveNextAsync(Token));
        await store.Database.DropCollectionAsync(collection.CollectionNamespace.CollectionName, Token);
        var failure = await Assert.ThrowsAsync<MongoCommandException>(async () =>
        {
            while (await cursor.MoveNextAsync(Token))
            {
            }
        });
        Assert.Equal("QueryPlanKilled", failure.CodeName);
    }
}
