using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Contracts.Views;

namespace Shop.ServiceDefaults.Data;

/// <summary>The sums behind the summaries, always computed from the order documents themselves and never incremented.</summary>
public static class OrderSums
{
    /// <summary>Orders of a day that one command sums.</summary>
    private const int Slice = 5_000;

    public static DateTimeOffset MonthOf(DateTimeOffset instant) => new(instant.UtcDateTime.Year, instant.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero);

    public static DateTimeOffset DayOf(DateTimeOffset instant) => new(instant.UtcDateTime.Date, TimeSpan.Zero);

    public static string CustomerMonthId(string customerId, DateTimeOffset month) => FormattableString.Invariant($"{customerId}/{month:yyyy-MM}");

    public static string ProductDayId(string productId, DateTimeOffset day) => FormattableString.Invariant($"{productId}/{day:yyyy-MM-dd}");

    /// <summary>Several customers of one month at once.</summary>
    /// <param name="generation">Whose orders to sum.</param>
    /// <param name="customerIds">The customers.</param>
    /// <param name="month">The month's first instant, UTC.</param>
    /// <param name="rev">The new buckets' <see cref="CustomerMonth.Rev"/>.</param>
    /// <param name="cancellationToken">Ends the aggregation.</param>
    /// <returns>One bucket for each customer, by its identifier.</returns>
    public static async Task<Dictionary<string, CustomerMonth>> CustomerMonthsAsync(
        ReadModelGeneration generation, IReadOnlyCollection<string> customerIds, DateTimeOffset month, Guid rev, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(generation);
        ArgumentNullException.ThrowIfNull(customerIds);
        var group = new BsonDocument
        {
            { "_id", "$customerId" },
            { "orders", new BsonDocument("$sum", 1) },
            { "totalSpent", new BsonDocument("$sum", "$totalAmount") },
            { "lastOrder", new BsonDocument("$max", "$orderDate") },
        };
        BsonDocument[] pipeline = [new("$match", OrdersOfMonth(AnyOf(customerIds), month)), new("$group", group)];
        var months = customerIds.ToDictionary(customer => customer, customer => new CustomerMonth(CustomerMonthId(customer, month), customer, 0, 0m, null, rev));
        using var cursor = await generation.Orders.AggregateAsync<BsonDocument>(pipeline, cancellationToken: cancellationToken);
        foreach (var sum in await cursor.ToListAsync(cancellationToken))
        {
            var customer = sum["_id"].AsString;
            months[customer] = months[customer] with
            {
                Orders = sum["orders"].ToInt64(), TotalSpent = Money(sum["totalSpent"]), LastOrder = Instant(sum["lastOrder"]),
            };
        }

        return months;
    }

    /// <summary>
    /// Several products of one day at once: that reads the day's orders once, through an index that has one entry per order, and some of them
    /// with each command, so that a day with very many orders holds up nobody.
    /// </summary>
    /// <param name="generation">Whose orders to sum.</param>
    /// <param name="productIds">The products.</param>
    /// <param name="day">The day's first instant, UTC.</param>
    /// <param name="rev">The new buckets' <see cref="ProductDay.Rev"/>.</param>
    /// <param name="restAsync">Called between commands.</param>
    /// <param name="cancellationToken">Ends the aggregation.</param>
    /// <returns>One bucket for each product, by its identifier.</returns>
    public static async Task<Dictionary<string, ProductDay>> ProductDaysAsync(
        ReadModelGeneration generation, IReadOnlyCollection<string> productIds, DateTimeOffset day, Guid rev, Func<CancellationToken, Task> restAsync,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(generation);
        ArgumentNullException.ThrowIfNull(productIds);
        ArgumentNullException.ThrowIfNull(restAsync);
        var group = new BsonDocument
        {
            { "_id", "$items.productId" },
            { "unitsSold", new BsonDocument("$sum", "$items.quantity") },
            { "revenue", new BsonDocument("$sum", new BsonDocument("$multiply", new BsonArray { "$items.quantity", "$items.price" })) },
        };
        // Other products are left out at the end: asking each line costs more than summing it.
        var wanted = new BsonDocument("_id", AnyOf(productIds));
        var days = productIds.ToDictionary(product => product, product => new ProductDay(ProductDayId(product, day), product, 0, 0m, rev));
        var end = day.AddDays(1);
        for (var from = day; from < end;)
        {
            var to = await SliceEndAsync(generation, from, end, cancellationToken);
            BsonDocument[] pipeline = [new("$match", OrdersBetween(from, to)), new("$unwind", "$items"), new("$group", group), new("$match", wanted)];
            using var cursor = await generation.Orders.AggregateAsync<BsonDocument>(pipeline, cancellationToken: cancellationToken);
            foreach (var sum in await cursor.ToListAsync(cancellationToken))
            {
                var product = sum["_id"].AsString;
                var known = days[product];
                days[product] = known with { UnitsSold = known.UnitsSold + sum["unitsSold"].ToInt64(), Revenue = known.Revenue + Money(sum["revenue"]) };
            }

            from = to;
            if (from < end) await restAsync(cancellationToken);
        }

        return days;
    }

    /// <summary>Where so many orders from an instant on end, at the latest at another. All orders of one instant are on one side of it.</summary>
    private static async Task<DateTimeOffset> SliceEndAsync(ReadModelGeneration generation, DateTimeOffset from, DateTimeOffset end, CancellationToken cancellationToken)
    {
        var next = await generation.Orders.Find(new BsonDocument { Within(from, end) }).Sort(new BsonDocument("orderDate", 1)).Skip(Slice).Limit(1)
            .Project<BsonDocument>(new BsonDocument("orderDate", 1)).FirstOrDefaultAsync(cancellationToken);
        if (next is null) return end;
        var to = Instant(next["orderDate"])!.Value;
        // Stored to the millisecond, so nothing lies between.
        return to > from ? to : from.AddMilliseconds(1);
    }

    /// <summary>The totals of several products, from their days. One bucket for each product, by its identifier.</summary>
    public static async Task<Dictionary<string, ProductSales>> ProductSalesAsync(
        ReadModelGeneration generation, IReadOnlyCollection<string> productIds, Guid rev, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(generation);
        ArgumentNullException.ThrowIfNull(productIds);
        var group = new BsonDocument
        {
            { "_id", "$productId" },
            { "unitsSold", new BsonDocument("$sum", "$unitsSold") },
            { "revenue", new BsonDocument("$sum", "$revenue") },
        };
        BsonDocument[] pipeline = [new("$match", new BsonDocument("productId", AnyOf(productIds))), new("$group", group)];
        var totals = productIds.ToDictionary(product => product, product => new ProductSales(product, 0, 0m, rev));
        using var cursor = await generation.ProductDays.AggregateAsync<BsonDocument>(pipeline, cancellationToken: cancellationToken);
        foreach (var sum in await cursor.ToListAsync(cancellationToken))
        {
            var product = sum["_id"].AsString;
            totals[product] = totals[product] with { UnitsSold = sum["unitsSold"].ToInt64(), Revenue = Money(sum["revenue"]) };
        }

        return totals;
    }

    /// <param name="customer">An identifier, or a condition on it.</param>
    /// <param name="month">The month's first instant, UTC.</param>
    public static BsonDocument OrdersOfMonth(BsonValue customer, DateTimeOffset month) =>
        new("customerId", customer) { NotCancelled, Within(month, month.AddMonths(1)) };

    /// <summary>Those that count.</summary>
    public static BsonDocument OrdersBetween(DateTimeOffset from, DateTimeOffset to) => new() { Within(from, to), NotCancelled };

    private static BsonElement NotCancelled => new("status", new BsonDocument("$ne", OrderStatus.Cancelled));

    private static BsonElement Within(DateTimeOffset from, DateTimeOffset to) =>
        new("orderDate", new BsonDocument { { "$gte", from.UtcDateTime }, { "$lt", to.UtcDateTime } });

    // For one only, plain equality: every planner finds the tightest range of an index for it.
    private static BsonValue AnyOf(IReadOnlyCollection<string> keys) => keys.Count == 1 ? keys.First() : new BsonDocument("$in", new BsonArray(keys));

    // A sum over no Decimal128 at all is the integer 0.
    private static decimal Money(BsonValue value) => value.ToDecimal();

    private static DateTimeOffset? Instant(BsonValue value) => value.IsBsonNull ? null : new DateTimeOffset(value.ToUniversalTime(), TimeSpan.Zero);
}
