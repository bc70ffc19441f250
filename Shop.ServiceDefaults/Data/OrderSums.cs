using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Contracts.Views;

namespace Shop.ServiceDefaults.Data;

/// <summary>The sums behind the summaries, always computed from the order documents themselves and never incremented.</summary>
public static class OrderSums
{
    public static DateTimeOffset MonthOf(DateTimeOffset instant) => new(instant.UtcDateTime.Year, instant.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero);

    public static DateTimeOffset DayOf(DateTimeOffset instant) => new(instant.UtcDateTime.Date, TimeSpan.Zero);

    public static string CustomerMonthId(string customerId, DateTimeOffset month) => FormattableString.Invariant($"{customerId}/{month:yyyy-MM}");

    public static string ProductDayId(string productId, DateTimeOffset day) => FormattableString.Invariant($"{productId}/{day:yyyy-MM-dd}");

    /// <param name="generation">Whose orders to sum.</param>
    /// <param name="customerId">The customer.</param>
    /// <param name="month">The month's first instant, UTC.</param>
    /// <param name="rev">The new bucket's <see cref="CustomerMonth.Rev"/>.</param>
    /// <param name="cancellationToken">Ends the aggregation.</param>
    public static async Task<CustomerMonth> CustomerMonthAsync(
        ReadModelGeneration generation, string customerId, DateTimeOffset month, Guid rev, CancellationToken cancellationToken)
    {
        var match = OrdersOfMonth(customerId, month);
        var group = new BsonDocument
        {
            { "_id", BsonNull.Value },
            { "orders", new BsonDocument("$sum", 1) },
            { "totalSpent", new BsonDocument("$sum", "$totalAmount") },
            { "lastOrder", new BsonDocument("$max", "$orderDate") },
        };
        var sum = await SingleAsync(generation.Orders, [new("$match", match), new("$group", group)], cancellationToken);
        var id = CustomerMonthId(customerId, month);
        return sum is null
            ? new(id, customerId, 0, 0m, null, rev)
            : new(id, customerId, sum["orders"].ToInt64(), Money(sum["totalSpent"]), Instant(sum["lastOrder"]), rev);
    }

    /// <summary>Several products of one day at once: that reads the day's orders once, through an index that has one entry per order.</summary>
    /// <param name="generation">Whose orders to sum.</param>
    /// <param name="productIds">The products.</param>
    /// <param name="day">The day's first instant, UTC.</param>
    /// <param name="rev">The new buckets' <see cref="ProductDay.Rev"/>.</param>
    /// <param name="cancellationToken">Ends the aggregation.</param>
    /// <returns>One bucket for each product, by its identifier.</returns>
    public static async Task<Dictionary<string, ProductDay>> ProductDaysAsync(
        ReadModelGeneration generation, IReadOnlyCollection<string> productIds, DateTimeOffset day, Guid rev, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(generation);
        ArgumentNullException.ThrowIfNull(productIds);
        var wanted = new BsonDocument("items.productId", new BsonDocument("$in", new BsonArray(productIds)));
        var group = new BsonDocument
        {
            { "_id", "$items.productId" },
            { "unitsSold", new BsonDocument("$sum", "$items.quantity") },
            { "revenue", new BsonDocument("$sum", new BsonDocument("$multiply", new BsonArray { "$items.quantity", "$items.price" })) },
        };
        BsonDocument[] pipeline = [new("$match", OrdersOfDay(day)), new("$unwind", "$items"), new("$match", wanted), new("$group", group)];
        var days = productIds.ToDictionary(product => product, product => new ProductDay(ProductDayId(product, day), product, 0, 0m, rev));
        using var cursor = await generation.Orders.AggregateAsync<BsonDocument>(pipeline, cancellationToken: cancellationToken);
        foreach (var sum in await cursor.ToListAsync(cancellationToken))
        {
            var product = sum["_id"].AsString;
            days[product] = days[product] with { UnitsSold = sum["unitsSold"].ToInt64(), Revenue = Money(sum["revenue"]) };
        }

        return days;
    }

    public static async Task<ProductSales> ProductSalesAsync(
        ReadModelGeneration generation, string productId, Guid rev, CancellationToken cancellationToken)
    {
        var group = new BsonDocument
        {
            { "_id", BsonNull.Value },
            { "unitsSold", new BsonDocument("$sum", "$unitsSold") },
            { "revenue", new BsonDocument("$sum", "$revenue") },
        };
        BsonDocument[] pipeline = [new("$match", new BsonDocument("productId", productId)), new("$group", group)];
        var sum = await SingleAsync(generation.ProductDays, pipeline, cancellationToken);
        return sum is null ? new(productId, 0, 0m, rev) : new(productId, sum["unitsSold"].ToInt64(), Money(sum["revenue"]), rev);
    }

    public static BsonDocument OrdersOfMonth(string customerId, DateTimeOffset month) =>
        new("customerId", customerId) { NotCancelled, Within(month, month.AddMonths(1)) };

    public static BsonDocument OrdersOfDay(DateTimeOffset day) => new() { Within(day, day.AddDays(1)), NotCancelled };

    private static BsonElement NotCancelled => new("status", new BsonDocument("$ne", OrderStatus.Cancelled));

    private static BsonElement Within(DateTimeOffset from, DateTimeOffset to) =>
        new("orderDate", new BsonDocument { { "$gte", from.UtcDateTime }, { "$lt", to.UtcDateTime } });

    private static async Task<BsonDocument?> SingleAsync<T>(IMongoCollection<T> source, BsonDocument[] pipeline, CancellationToken cancellationToken)
    {
        using var cursor = await source.AggregateAsync<BsonDocument>(pipeline, cancellationToken: cancellationToken);
        return await cursor.FirstOrDefaultAsync(cancellationToken);
    }

    // A sum over no Decimal128 at all is the integer 0.
    private static decimal Money(BsonValue value) => value.ToDecimal();

    private static DateTimeOffset? Instant(BsonValue value) => value.IsBsonNull ? null : new DateTimeOffset(value.ToUniversalTime(), TimeSpan.Zero);
}
