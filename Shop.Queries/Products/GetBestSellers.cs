using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.Queries.Http;

namespace Shop.Queries.Products;

/// <summary><c>GET /products/best-sellers?limit=</c>: at most about a second behind the orders, two while days are summed to totals.</summary>
internal static class GetBestSellers
{
    public const int DefaultLimit = 10;
    public const int MaxLimit = 100;

    public static void MapGetBestSellers(this IEndpointRouteBuilder routes) => routes.MapGet("/products/best-sellers", HandleAsync);

    private static async Task<IResult> HandleAsync(LiveReadModel live, HttpContext context)
    {
        var parameters = new QueryParameters(context.Request.Query);
        var limit = parameters.Limit(DefaultLimit, MaxLimit);
        if (!parameters.IsValid) return Problems.Invalid(parameters.Errors);
        var generation = await live.CurrentAsync(context.RequestAborted);
        var sales = await generation.ProductSales.Find(new BsonDocument("unitsSold", new BsonDocument("$gt", 0)))
            .Sort(new BsonDocument { { "unitsSold", -1 }, { "_id", 1 } }).Limit(limit).ToListAsync(context.RequestAborted);
        var ids = new BsonArray(sales.Select(product => product.Id));
        var products = await live.Models.Products.Find(new BsonDocument("_id", new BsonDocument("$in", ids))).ToListAsync(context.RequestAborted);
        var names = products.ToDictionary(product => product.Id, product => product.Name);
        // A product's own event may come after the order that sold it; for that moment its identifier has to do.
        return JsonAnswer.Of(
            new BestSellers([.. sales.Select(product => new BestSeller(
                product.Id, names.GetValueOrDefault(product.Id, product.Id), product.UnitsSold, product.Revenue))]),
            ViewJson.Default.BestSellers);
    }
}
