using MongoDB.Bson;
using MongoDB.Driver;

namespace Shop.Tests.Local.Mongo;

/// <summary>Rules of MongoDB's queries and updates that are easily got wrong, through its own driver.</summary>
public sealed class SemanticsTests(StoreFixture store) : IClassFixture<StoreFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("{'lines.product': 'a'}", "1 2")]
    [InlineData("{'lines.product': 'b', 'lines.n': 1}", "1")]
    [InlineData("{lines: {$elemMatch: {product: 'b', n: 1}}}", "")]
    [InlineData("{'lines.0.product': 'a'}", "1")]
    [InlineData("{'lines.1.n': {$gt: 4}}", "1")]
    [InlineData("{'address.city': 'Rome'}", "2 3")]
    [InlineData("{'deep.list.k': 7}", "3")]
    [InlineData("{'deep.list.k': {$exists: false}}", "1 2")]
    [InlineData("{tags: ['x', 'y']}", "1")]
    [InlineData("{tags: {$all: ['y', 'x']}}", "1")]
    public async Task A_dotted_path_runs_through_arrays_and_names_their_elements(string filter, string expected)
    {
        var collection = store.NewCollection();
        await collection.InsertManyAsync([
            BsonDocument.Parse("{_id: 1, lines: [{product: 'a', n: 1}, {product: 'b', n: 5}], tags: ['x', 'y'], address: {city: 'Bonn'}}"),
            BsonDocument.Parse("{_id: 2, lines: [{product: 'c', n: 2}, {product: 'a', n: 3}], tags: 'x', address: [{city: 'Oslo'}, {city: 'Rome'}]}"),
            BsonDocument.Parse("{_id: 3, lines: [], address: {city: 'Rome'}, deep: [{list: [{k: 6}, {k: 7}]}]}")], cancellationToken: Token);
        Assert.Equal(expected, await IdsAsync(collection, filter));
        foreach (var index in (string[])["{'lines.product': 1}", "{'address.city': 1}", "{'deep.list.k': 1}", "{tags: 1}"])
            await collection.Indexes.CreateOneAsync(new CreateIndexModel<BsonDocument>(index), cancellationToken: Token);
        Assert.Equal(expected, await IdsAsync(collection, filter));
    }

    [Theory]
    [InlineData("{v: null}", "1 2")]
    [InlineData("{v: {$exists: false}}", "2")]
    [InlineData("{v: {$exists: true}}", "1 3 4")]
    [InlineData("{v: {$ne: null}}", "3 4")]
    [InlineData("{v: {$in: [null, 0]}}", "1 2 3")]
    [InlineData("{v: {$lte: null}}", "1 2")]
    public async Task Null_matches_what_is_missing_and_exists_tells_them_apart(string filter, string expected)
    {
        var collection = store.NewCollection();
        await collection.InsertManyAsync([BsonDocument.Parse("{_id: 1, v: null}"), BsonDocument.Parse("{_id: 2}"), BsonDocument.Parse("{_id: 3, v: 0}"), BsonDocument.Parse("{_id: 4, v: []}")], cancellationToken: Token);
        Assert.Equal(expected, await IdsAsync(collection, filter));
        await collection.Indexes.CreateOneAsync(new CreateIndexModel<BsonDocument>("{v: 1}"), cancellationToken: Token);
        Assert.Equal(expected, await IdsAsync(collection, filter));
    }

    [Theory]
    [InlineData("{$set: {'lines.$.n': 9}}", null, "[{p: 'a', n: 1}, {p: 'b', n: 9}, {p: 'b', n: 3}]")]
    [InlineData("{$inc: {'lines.$[].n': 1}}", null, "[{p: 'a', n: 2}, {p: 'b', n: 3}, {p: 'b', n: 4}]")]
    [InlineData("{$set: {'lines.$[one].n': 9}}", "{'one.p': 'b', 'one.n': {$gt: 2}}", "[{p: 'a', n: 1}, {p: 'b', n: 2}, {p: 'b', n: 9}]")]
    [InlineData("{$unset: {'lines.$.n': 1}}", null, "[{p: 'a', n: 1}, {p: 'b'}, {p: 'b', n: 3}]")]
    [InlineData("{$set: {'lines.1.n': 8, 'lines.4': 'x'}}", null, "[{p: 'a', n: 1}, {p: 'b', n: 8}, {p: 'b', n: 3}, null, 'x']")]
    [InlineData("{$pull: {lines: {p: 'b', n: {$lt: 3}}}}", null, "[{p: 'a', n: 1}, {p: 'b', n: 3}]")]
    public async Task Positional_operators_change_the_elements_that_they_name(string update, string? filter, string expected)
    {
        var collection = store.NewCollection();
        await collection.InsertOneAsync(BsonDocument.Parse("{_id: 1, lines: [{p: 'a', n: 1}, {p: 'b', n: 2}, {p: 'b', n: 3}]}"), cancellationToken: Token);
        var options = new UpdateOptions { ArrayFilters = filter is null ? null : [new BsonDocumentArrayFilterDefinition<BsonDocument>(BsonDocument.Parse(filter))] };
        await collection.UpdateOneAsync("{'lines.p': 'b'}", BsonDocument.Parse(update), options, Token);
        Assert.Equal(BsonDocument.Parse($"{{lines: {expected}}}")["lines"], (await collection.Find("{_id: 1}").SingleAsync(Token))["lines"]);
    }

    [Fact]
    public async Task An_array_filter_that_the_update_does_not_use_is_refused_with_9()
    {
        var options = new UpdateOptions { ArrayFilters = [new BsonDocumentArrayFilterDefinition<BsonDocument>(BsonDocument.Parse("{'line.n': 1}"))] };
        var failure = await Assert.ThrowsAsync<MongoWriteException>(() => store.NewCollection().UpdateOneAsync("{}", BsonDocument.Parse("{$set: {a: 1}}"), options, Token));
        Assert.Equal(9, failure.WriteError.Code);
    }

    [Fact]
    public async Task Strings_are_ordered_by_code_point_whatever_a_culture_would_say()
    {
        string[] ordered = ["", "B", "Z", "a", "a b", "ab", "b", "z", "\u00E4", "\u00DF\u00DF", "\uFF01", "\U0001F600"];
        string[] byCodePoint = [.. ordered.OrderBy(text => Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text)), StringComparer.Ordinal)];
        var collection = store.NewCollection();
        await collection.InsertManyAsync(ordered.Reverse().Select((text, number) => new BsonDocument { { "_id", number }, { "s", text } }), cancellationToken: Token);
        Assert.Equal(byCodePoint, (await collection.Find("{}").Sort("{s: 1}").ToListAsync(Token)).Select(found => found["s"].AsString));
        Assert.Equal(byCodePoint.SkipWhile(text => text != "b").Skip(1), (await collection.Find("{s: {$gt: 'b'}}").Sort("{s: 1}").ToListAsync(Token)).Select(found => found["s"].AsString));
    }

    [Fact]
    public async Task Sums_over_part_of_a_document_equal_sums_over_all_of_it()
    {
        var collection = store.NewCollection();
        await collection.InsertManyAsync(Enumerable.Range(0, 60).Select(number => BsonDocument.Parse($$"""
            {_id: {{number}}, day: {{number % 3}}, total: NumberDecimal("{{number}}.25"), note: "x", lines: [{p: "a", n: {{number}}, price: NumberDecimal("1.10")}, {p: "b", n: 1, price: NumberDecimal("2.00")}]}
            """)), cancellationToken: Token);
        var sums = await collection.Aggregate().Match("{day: {$lt: 2}}").Unwind("lines").Match("{'lines.p': {$in: ['a']}}")
            .Group("{_id: '$day', n: {$sum: '$lines.n'}, money: {$sum: {$multiply: ['$lines.n', '$lines.price']}}, first: {$first: '$total'}, most: {$max: '$total'}}").Sort("{_id: 1}").ToListAsync(Token);
        Assert.Equal(
            [
                BsonDocument.Parse("{_id: 0, n: 570, money: NumberDecimal('627.00'), first: NumberDecimal('0.25'), most: NumberDecimal('57.25')}"),
                BsonDocument.Parse("{_id: 1, n: 590, money: NumberDecimal('649.00'), first: NumberDecimal('1.25'), most: NumberDecimal('58.25')}"),
            ], sums);
        var whole = await collection.Aggregate().Match("{_id: 4}").Group("{_id: '$$ROOT.note', all: {$push: '$$ROOT'}}").SingleAsync(Token);
        Assert.Equal(5, whole["all"][0].AsBsonDocument.ElementCount);
    }

    private static async Task<string> IdsAsync(IMongoCollection<BsonDocument> collection, string filter) =>
        string.Join(' ', (await collection.Find(filter).Sort("{_id: 1}").ToListAsync(Token)).Select(found => found["_id"]));
}
