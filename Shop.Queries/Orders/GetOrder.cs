using Shop.Queries.Consistency;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Orders;

/// <summary><c>GET /orders/{id}</c>: one lookup, which requests that come together share.</summary>
internal static class GetOrder
{
    public static void MapGetOrder(this IEndpointRouteBuilder routes)
    {
        // Asked for once: a request that asks for a service gets a scope of services first.
        var services = routes.ServiceProvider;
        var (live, wait, lookup) = (services.GetRequiredService<LiveReadModel>(), services.GetRequiredService<SeenWait>(), services.GetRequiredService<OrderLookup>());
        routes.MapGet("/orders/{id}", (string id, HttpContext context) => HandleAsync(id, live, wait, lookup, context));
    }

    private static async Task<IResult> HandleAsync(string id, LiveReadModel live, SeenWait wait, OrderLookup lookup, HttpContext context)
    {
        var state = SeenState.Nothing;
        ReadModelGeneration generation;
        if (context.Request.QueryString.HasValue)
        {
            var parameters = new QueryParameters(context.Request.Query);
            var seen = SeenVersion.Read(parameters, SeenKind.Order, id);
            if (!parameters.IsValid) return Problems.Invalid(parameters.Errors);
            (generation, var read, var refusal) = await wait.ForAsync(seen, context.Request, context.RequestAborted);
            if (read is null) return refusal!;
            state = read;
        }
        else
        {
            generation = await live.CurrentAsync(context.RequestAborted);
        }

        if (!QueryParameters.IsId(id) || await lookup.FindAsync(generation, id, context.RequestAborted) is not { } order) return Problems.NotFound("order", id);
        return state.HasNames ? OrderAnswer.Of(state.WithSeenNames(order.ToDocument())) : OrderAnswer.Of(order);
    }
}
