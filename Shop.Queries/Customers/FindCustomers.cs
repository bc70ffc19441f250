using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Customers;

/// <summary>
/// <c>GET /customers?search=&amp;limit=</c>: customers of whose name a word, or whose identifier, begins with what was typed; without it,
/// the first ones by identifier.
/// </summary>
internal static class FindCustomers
{
    public const int DefaultLimit = 10;
    public const int MaxLimit = 50;

    public static void MapFindCustomers(this IEndpointRouteBuilder routes) => routes.MapGet("/customers", HandleAsync);

    private static async Task<IResult> HandleAsync(LiveReadModel live, HttpContext context)
    {
        var parameters = new QueryParameters(context.Request.Query);
        var limit = parameters.Limit(DefaultLimit, MaxLimit);
        var typed = parameters.Search();
        if (!parameters.IsValid) return Problems.Invalid(parameters.Errors);
        var found = await Query(live.Models, typed).Limit(limit).ToListAsync(context.RequestAborted);
        return JsonAnswer.Of(new CustomerMatches([.. found.Select(customer => new CustomerMatch(customer.Id, customer.Name))]), ViewJson.Default.CustomerMatches);
    }

    /// <summary>In the order of the index that answers it.</summary>
    internal static IFindFluent<CustomerDocument, CustomerDocument> Query(ReadModels models, string typed) =>
        SearchKeys.Beginning(typed) is { } beginning ? models.Customers.Find(beginning) : models.Customers.Find(new BsonDocument()).Sort(new BsonDocument("_id", 1));
}
