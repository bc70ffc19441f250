using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Rebuild;

/// <summary>Which summaries are not the sums of their orders. One that is marked to be summed again is unsettled instead.</summary>
internal static class SummaryDifferences
{
    private const string CustomerSummary = "customer-summary";
    private const string ProductSales = "product-sales";

    public static async Task<IReadOnlyList<Difference>> OfCustomersAsync(
        ReadModelGeneration generation, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        var marked = await MarkedAsync(generation, ids, "months", mark => mark.Months, cancellationToken);
        var match = new BsonDocument { { "customerId", In(ids) }, { "status", new BsonDocument("$ne", OrderStatus.Cancelled) } };
        var expected = await SumsAsync(generation.Orders,
            [new("$match", match), Group("$customerId", ("count", 1), ("amount", "$totalAmount"), ("last", "$orderDate"))], cancellationToken);
        var actual = await SumsAsync(generation.CustomerMonths,
            [new("$match", new BsonDocument("customerId", In(ids))), Group("$customerId", ("count", "$orders"), ("amount", "$totalSpent"), ("last", "$lastOrder"))], cancellationToken);
        marked.UnionWith(await MarkedAsync(generation, ids, "months", mark => mark.Months, cancellationToken));
        return Compare(CustomerSummary, ids, actual, expected, marked, (found, sum) => Explain.Fields(
            ("orders", found.Count, sum.Count), ("totalSpent", found.Amount, sum.Amount), ("lastOrder", found.Last, sum.Last)));
    }

    public static async Task<IReadOnlyList<Difference>> OfProductsAsync(
        ReadModelGeneration generation, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        var marked = await MarkedAsync(generation, ids, "days", mark => mark.Days, cancellationToken);
        var sold = new BsonDocument { { "items.productId", In(ids) }, { "status", new BsonDocument("$ne", OrderStatus.Cancelled) } };
        var revenue = new BsonDocument("$multiply", new BsonArray { "$items.quantity", "$items.price" });
        var expected = await SumsAsync(generation.Orders,
            [
                new("$match", sold), new("$unwind", "$items"), new("$match", new BsonDocument("items.productId", In(ids))),
                Group("$items.productId", ("count", "$items.quantity"), ("amount", revenue), ("last", null)),
            ], cancellationToken);
        var actual = await SumsAsync(generation.ProductSales,
            [new("$match", new BsonDocument("_id", In(ids))), Group("$_id", ("count", "$unitsSold"), ("amount", "$revenue"), ("last", null))], cancellationToken);
        marked.UnionWith(await MarkedAsync(generation, ids, "days", mark => mark.Days, cancellationToken));
        return Compare(ProductSales, ids, actual, expected, marked, (found, sum) => Explain.Fields(
            ("unitsSold", found.Count, sum.Count), ("revenue", found.Amount, sum.Amount)));
    }

    private static List<Difference> Compare(
        string what, IReadOnlyCollection<string> ids, Dictionary<string, Sum> actual, Dictionary<string, Sum> expected, HashSet<string> marked,
        Func<Sum, Sum, string?> explain)
    {
        List<Difference> differences = [];
        foreach (var id in ids)
        {
            // A sum over nothing may be a bucket of zeros or no bucket at all.
            var should = expected.GetValueOrDefault(id, Sum.Zero);
            var found = actual.GetValueOrDefault(id, Sum.Zero);
            if (explain(found, should) is not { } why) continue;
            var verdict = marked.Contains(id) ? DifferenceVerdict.Unsettled
                : !actual.ContainsKey(id) ? DifferenceVerdict.Missing
                : !expected.ContainsKey(id) ? DifferenceVerdict.Extra
                : DifferenceVerdict.Different;
            differences.Add(new(verdict, what, id, why));
        }

        return differences;
    }

    private static BsonDocument Group(BsonValue by, (string, BsonValue) count, (string, BsonValue) amount, (string, BsonValue?) last)
    {
        var group = new BsonDocument { { "_id", by }, { count.Item1, new BsonDocument("$sum", count.Item2) }, { amount.Item1, new BsonDocument("$sum", amount.Item2) } };
        if (last.Item2 is { } field) group.Add(last.Item1, new BsonDocument("$max", field));
        return new("$group", group);
    }

    private static async Task<Dictionary<string, Sum>> SumsAsync<T>(IMongoCollection<T> collection, BsonDocument[] pipeline, CancellationToken cancellationToken)
    {
        using var cursor = await collection.AggregateAsync<BsonDocument>(pipeline, cancellationToken: cancellationToken);
        return (await cursor.ToListAsync(cancellationToken)).ToDictionary(
            group => group["_id"].AsString,
            group => new Sum(
                group["count"].ToInt64(), group["amount"].ToDecimal(),
                group.TryGetValue("last", out var last) && !last.IsBsonNull ? new DateTimeOffset(last.ToUniversalTime(), TimeSpan.Zero) : null));
    }

    private static async Task<HashSet<string>> MarkedAsync(
        ReadModelGeneration generation, IReadOnlyCollection<string> ids, string field, Func<DirtyMark, IEnumerable<DirtyPeriod>> periodsOf,
        CancellationToken cancellationToken)
    {
        HashSet<string> marked = [];
        using var cursor = await generation.Dirty.FindAsync(new BsonDocument($"{field}.keys", In(ids)), cancellationToken: cancellationToken);
        while (await cursor.MoveNextAsync(cancellationToken))
            foreach (var mark in cursor.Current) marked.UnionWith(periodsOf(mark).SelectMany(period => period.Keys));
        return marked;
    }

    private static BsonDocument In(IReadOnlyCollection<string> ids) => new("$in", new BsonArray(ids));

    private sealed record Sum(long Count, decimal Amount, DateTimeOffset? Last)
    {
        public static readonly Sum Zero = new(0, 0m, null);
    }
}
