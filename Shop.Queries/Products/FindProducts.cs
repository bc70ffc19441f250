using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Products;

/// <summary>
/// <c>GET /products?search=&amp;limit=</c>: what can be ordered, with its current price, searched as customers are; without a search the
/// first ones by identifier.
/// </summary>
internal static class FindProducts
{
    public const int DefaultLimit = 10;
    public const int MaxLimit = 50;

    public static void MapFindProducts(this IEndpointRouteBuilder routes) => routes.MapGet("/products", HandleAsync);

    private static async Task<IResult> HandleAsync(LiveReadModel live, HttpContext context)
    {
        var parameters = new QueryParameters(context.Request.Query);
        var limit = parameters.Limit(DefaultLimit, MaxLimit);
        var typed = parameters.Search();
        if (!parameters.IsValid) return Problems.Invalid(parameters.Errors);
        var found = await Query(live.Models, typed).Limit(limit).ToListAsync(context.RequestAborted);
        return JsonAnswer.Of(
            new ProductMatches([.. found.Select(product => new ProductMatch(product.Id, product.Name, product.Price))]), ViewJson.Default.ProductMatches);
    }

    internal static IFindFluent<ProductDocument, ProductDocument> Query(ReadModels models, string typed)
    {
        var filter = SearchKeys.Beginning(typed);
        BsonDocument orderable = [.. filter ?? [], new("discontinued", false)];
        var products = models.Products.Find(orderable);
        return filter is null ? products.Sort(new BsonDocument("_id", 1)) : products;
    }
}
