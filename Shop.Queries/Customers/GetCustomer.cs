using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.Queries.Consistency;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Customers;

/// <summary>
/// <c>GET /customers/{id}</c>: the sum of the customer's months. Somebody who says what he has seen gets the months that the projector has
/// still to sum, and those of the orders he has seen, summed for him from the orders themselves.
/// </summary>
internal static class GetCustomer
{
    public static void MapGetCustomer(this IEndpointRouteBuilder routes) => routes.MapGet("/customers/{id}", HandleAsync);

    private static async Task<IResult> HandleAsync(string id, LiveReadModel live, SeenWait wait, HttpContext context)
    {
        var parameters = new QueryParameters(context.Request.Query);
        var seen = SeenVersion.Read(parameters, SeenKind.Customer, id);
        if (!parameters.IsValid) return Problems.Invalid(parameters.Errors);
        if (!QueryParameters.IsId(id)) return Problems.NotFound("customer", id);
        var (generation, state, refusal) = await wait.ForAsync(seen, context.Request, context.RequestAborted);
        if (state is null) return refusal!;
        var customer = await live.Models.Customers.Find(new BsonDocument("_id", id)).FirstOrDefaultAsync(context.RequestAborted)
            ?? await FromNewestOrderAsync(generation, id, context.RequestAborted);
        if (customer is null) return Problems.NotFound("customer", id);

        IReadOnlyCollection<DateTimeOffset> stale = seen.Count == 0 ? [] : await StaleMonthsAsync(generation, id, state, context.RequestAborted);
        var summary = await SummaryAsync(generation, customer, stale, context.RequestAborted);
        return JsonAnswer.Of(summary, ViewJson.Default.CustomerSummary);
    }

    /// <summary>A customer's own event may come after those of the orders, which carry the name too.</summary>
    private static async Task<CustomerDocument?> FromNewestOrderAsync(ReadModelGeneration generation, string id, CancellationToken cancellationToken)
    {
        var newest = await GetOrderHistory.Query(generation, new(id, null, null, null), after: null).FirstOrDefaultAsync(cancellationToken);
        return newest is null ? null : new(id, newest.CustomerVersion, newest.CustomerName, newest.CustomerVersion, newest.ProjectedAt);
    }

    /// <summary>
    /// A mark is set after the order is written: in between the order can be seen and its month does not look stale. So the months of
    /// seen orders count as stale whether marked or not.
    /// </summary>
    private static async Task<IReadOnlyCollection<DateTimeOffset>> StaleMonthsAsync(
        ReadModelGeneration generation, string customerId, SeenState seen, CancellationToken cancellationToken)
    {
        var ofCustomer = new BsonDocument("months.keys", customerId);
        BsonDocument[] pipeline =
        [
            new("$match", ofCustomer), new("$unwind", "$months"), new("$match", ofCustomer), new("$group", new BsonDocument("_id", "$months.from")),
        ];
        using var marked = await generation.Dirty.AggregateAsync<BsonDocument>(pipeline, cancellationToken: cancellationToken);
        return (await marked.ToListAsync(cancellationToken)).Select(month => new DateTimeOffset(month["_id"].ToUniversalTime(), TimeSpan.Zero))
            .Concat(seen.Orders.Values.Where(order => order.CustomerId == customerId).Select(order => OrderSums.MonthOf(order.OrderDate)))
            .ToHashSet();
    }

    private static async Task<CustomerSummary> SummaryAsync(
        ReadModelGeneration generation, CustomerDocument customer, IReadOnlyCollection<DateTimeOffset> stale, CancellationToken cancellationToken)
    {
        var months = await generation.CustomerMonths.Find(new BsonDocument("customerId", customer.Id)).ToListAsync(cancellationToken);
        if (stale.Count > 0)
        {
            var replaced = stale.Select(month => OrderSums.CustomerMonthId(customer.Id, month)).ToHashSet();
            var fresh = await Task.WhenAll(stale.Select(month =>
                OrderSums.CustomerMonthsAsync(generation, [customer.Id], month, Guid.CreateVersion7(), cancellationToken)));
            months = [.. months.Where(month => !replaced.Contains(month.Id)), .. fresh.SelectMany(sums => sums.Values)];
        }

        return new(customer.Id, customer.Name, customer.Version,
            months.Sum(month => month.Orders), months.Sum(month => month.TotalSpent), months.Max(month => month.LastOrder));
    }
}
