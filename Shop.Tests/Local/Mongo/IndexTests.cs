using MongoDB.Bson;
using MongoDB.Driver;

namespace Shop.Tests.Local.Mongo;

/// <summary>That an index is used shows in what was looked at, not in a clock.</summary>
public sealed class IndexTests(StoreFixture store) : IClassFixture<StoreFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private async Task<IMongoCollection<BsonDocument>> OrdersAsync()
    {
        var collection = store.NewCollection();
        var start = new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        await collection.InsertManyAsync(Enumerable.Range(0, 20_000).Select(number => new BsonDocument
        {
            { "_id", $"O{number:D6}" }, { "customerId", $"C{number % 3}" }, { "orderDate", start.AddMinutes(number) }, { "status", number % 2 == 0 ? "Paid" : "Pending" }
        }), cancellationToken: Token);
        await collection.Indexes.CreateManyAsync([
            new CreateIndexModel<BsonDocument>("{customerId: 1, orderDate: -1, _id: -1}"),
            new CreateIndexModel<BsonDocument>("{orderDate: 1}")], Token);
        return collection;
    }

    private async Task<(string Plan, long Examined)> ExplainAsync(IMongoCollection<BsonDocument> collection, string find)
    {
        var command = BsonDocument.Parse(find);
        command.InsertAt(0, new BsonElement("find", collection.CollectionNamespace.CollectionName));
        var reply = await store.Database.RunCommandAsync<BsonDocument>(new BsonDocument { { "explain", command }, { "verbosity", "executionStats" } }, cancellationToken: Token);
        return (reply["queryPlanner"]["winningPlan"].ToJson(), reply["executionStats"]["totalDocsExamined"].ToInt64());
    }

    [Theory]
    [InlineData("{filter: {_id: 'O000777'}}", "IDHACK", 1)]
    [InlineData("{filter: {_id: 'O000777', status: {$lt: 'Z'}}}", "IDHACK", 1)]
    [InlineData("{filter: {customerId: 'C1'}, sort: {orderDate: -1, _id: -1}, limit: 20}", "customerId_1_orderDate_-1__id_-1", 20)]
    [InlineData("{filter: {customerId: 'C1'}, sort: {orderDate: 1, _id: 1}, limit: 20}", "backward", 20)]
    [InlineData("{filter: {customerId: 'C1', status: 'Paid'}, sort: {orderDate: -1}, limit: 20}", "IXSCAN", 60)]
    [InlineData("{filter: {customerId: 'C1', orderDate: {$gte: ISODate('2024-01-02'), $lt: ISODate('2024-01-02T03:00:00Z')}}}", "IXSCAN", 60)]
    [InlineData("{filter: {customerId: 'C1', $or: [{orderDate: {$lt: ISODate('2024-01-05')}}, {orderDate: ISODate('2024-01-05'), _id: {$lt: 'O005760'}}]}, sort: {orderDate: -1, _id: -1}, limit: 20}", "IXSCAN", 40)]
    [InlineData("{filter: {}, sort: {orderDate: -1}, limit: 10}", "orderDate_1", 16)]
    [InlineData("{filter: {_id: {$in: ['O000001', 'O000002', 'nothing']}}}", "_id_", 2)]
    [InlineData("{filter: {_id: {$gt: 'O019990'}}, sort: {_id: 1}}", "_id_", 9)]
    public async Task An_index_bounds_what_is_looked_at(string find, string plan, long atMost)
    {
        var (chosen, examined) = await ExplainAsync(await OrdersAsync(), find);
        Assert.Contains(plan, chosen, StringComparison.Ordinal);
        Assert.DoesNotContain("SORT", chosen, StringComparison.Ordinal);
        Assert.InRange(examined, 1, atMost);
    }

    [Fact]
    public async Task Without_a_fitting_index_the_collection_is_walked_and_sorted()
    {
        var (plan, examined) = await ExplainAsync(await OrdersAsync(), "{filter: {status: 'Paid'}, sort: {status: 1}}");
        Assert.Contains("COLLSCAN", plan, StringComparison.Ordinal);
        Assert.Contains("SORT", plan, StringComparison.Ordinal);
        Assert.Equal(20_000, examined);
    }

    [Fact]
    public async Task Keyset_pages_cover_everything_once_in_order()
    {
        var collection = await OrdersAsync();
        var seen = new List<string>();
        BsonDocument? last = null;
        do
        {
            var filter = last is null ? new BsonDocument("customerId", "C2") : new BsonDocument
            {
                { "customerId", "C2" },
                { "$or", new BsonArray { new BsonDocument("orderDate", new BsonDocument("$lt", last["orderDate"])), new BsonDocument { { "orderDate", last["orderDate"] }, { "_id", new BsonDocument("$lt", last["_id"]) } } } }
            };
            var page = await collection.Find(filter).Sort("{orderDate: -1, _id: -1}").Limit(500).ToListAsync(Token);
            seen.AddRange(page.Select(order => order["_id"].AsString));
            last = page.LastOrDefault();
        } while (last is not null);
        Assert.Equal(Enumerable.Range(0, 20_000).Where(number => number % 3 == 2).Select(number => $"O{number:D6}").Reverse(), seen);
    }
}
