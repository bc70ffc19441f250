using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.Queries.Consistency;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Customers;

/// <summary>
/// <c>GET /customers/{id}/orders?status=&amp;from=&amp;to=&amp;limit=&amp;cursor=</c>: newest first, <c>from</c> inclusive, <c>to</c>
/// exclusive. A page begins behind an order, not at a number, so new orders move nothing between pages.
/// </summary>
internal static class GetOrderHistory
{
    public const int DefaultLimit = 20;
    public const int MaxLimit = 100;

    public static void MapGetOrderHistory(this IEndpointRouteBuilder routes) => routes.MapGet("/customers/{id}/orders", HandleAsync);

    private static async Task<IResult> HandleAsync(string id, LiveReadModel live, SeenWait wait, CursorKey cursorKey, HttpContext context)
    {
        var parameters = new QueryParameters(context.Request.Query);
        var seen = SeenVersion.Read(parameters, SeenKind.Customer, id);
        var filter = new HistoryFilter(id, parameters.Status(), parameters.Instant("from"), parameters.Instant("to"));
        var limit = parameters.Limit(DefaultLimit, MaxLimit);
        var key = await cursorKey.GetAsync(context.RequestAborted);
        HistoryCursor? after = null;
        if (parameters.Single("cursor") is { } text && (after = HistoryCursor.Open(text, filter, key)) is null)
            parameters.Errors["cursor"] = ["Give a cursor as it came with the page before, together with the same customer, status, from and to."];
        if (!parameters.IsValid) return Problems.Invalid(parameters.Errors);
        if (!QueryParameters.IsId(id)) return Problems.NotFound("customer", id);

        var (generation, state, refusal) = await wait.ForAsync(seen, context.Request, context.RequestAborted);
        if (state is null) return refusal!;
        // One more than asked for says whether there is a next page.
        var orders = await Query(generation, filter, after).Limit(limit + 1).ToListAsync(context.RequestAborted);
        if (orders.Count == 0 && !await live.KnowsCustomerAsync(id, context.RequestAborted)) return Problems.NotFound("customer", id);
        OrderDocument[] page = [.. orders.Take(limit).Select(state.WithSeenNames)];
        var next = orders.Count > limit ? HistoryCursor.Seal(page[^1], filter, key) : null;
        return JsonAnswer.Of(new OrderPage(page, next), ViewJson.Default.OrderPage);
    }

    internal static IFindFluent<OrderDocument, OrderDocument> Query(ReadModelGeneration generation, HistoryFilter filter, HistoryCursor? after)
    {
        var query = new BsonDocument("customerId", filter.CustomerId);
        if (filter.Status is { } status) query.Add("status", status);
        var range = new BsonDocument();
        if (filter.From is { } from) range.Add("$gte", from.UtcDateTime);
        var end = filter.To?.UtcDateTime;
        // The cursor's own bound makes the index begin there; what is left to filter are the orders of its very millisecond.
        if (after is not null && (end is null || after.OrderDate.UtcDateTime < end)) range.Add("$lte", after.OrderDate.UtcDateTime);
        else if (end is { } to) range.Add("$lt", to);
        if (range.ElementCount > 0) query.Add("orderDate", range);
        if (after is not null)
        {
            query.Add("$or", new BsonArray
            {
                new BsonDocument("orderDate", new BsonDocument("$lt", after.OrderDate.UtcDateTime)),
                new BsonDocument("_id", new BsonDocument("$gt", after.OrderId)),
            });
        }

        return generation.Orders.Find(query).Sort(new BsonDocument { { "orderDate", -1 }, { "_id", 1 } });
    }
}
