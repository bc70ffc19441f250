using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.Queries.Consistency;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Customers;

/// <summary>
/// <c>GET /customers/{id}/orders/live</c>: server-sent events. First <c>orders</c>, the newest ones as they are now (also after a
/// reconnect, so nothing that happened in between is missing), then an <c>order</c> for each change, and a comment now and then so that
/// nothing on the way takes the stream for dead. A change may come twice; the higher version wins.
/// </summary>
internal static class GetLiveOrders
{
    private static readonly TimeSpan heartbeat = TimeSpan.FromSeconds(10);

    public static void MapGetLiveOrders(this IEndpointRouteBuilder routes) => routes.MapGet("/customers/{id}/orders/live", HandleAsync);

    private static async Task HandleAsync(
        string id, LiveReadModel live, LiveOrders orders, SeenWait wait, IHostApplicationLifetime lifetime, TimeProvider time, HttpContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var (generation, state, refusal) = await PrepareAsync(id, live, wait, context, ending.Token);
        // Before the current state is read: what changes after that is in the stream.
        using var listener = refusal is null ? orders.Listen(id) : null;
        if (listener is null)
        {
            await (refusal ?? Problems.TooManyStreams(context)).ExecuteAsync(context);
            return;
        }

        var current = await HistoryOf(generation!, id).Limit(GetOrderHistory.DefaultLimit).ToListAsync(ending.Token);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await WriteAsync(context.Response, "orders", new OrderPage([.. current.Select(state!.WithSeenNames)], Next: null), ViewJson.Default.OrderPage, ending.Token);
            await StreamAsync(listener, context.Response, time, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The reader left, or the service stops: the reader comes again by itself, to another instance perhaps.
        }
    }

    private static async Task<(ReadModelGeneration? Generation, SeenState? State, IResult? Refusal)> PrepareAsync(
        string id, LiveReadModel live, SeenWait wait, HttpContext context, CancellationToken cancellationToken)
    {
        var parameters = new QueryParameters(context.Request.Query);
        var seen = SeenVersion.Read(parameters, SeenKind.Customer, id);
        if (!parameters.IsValid) return (null, null, Problems.Invalid(parameters.Errors));
        if (!QueryParameters.IsId(id)) return (null, null, Problems.NotFound("customer", id));
        var (generation, state, refusal) = await wait.ForAsync(seen, context.Request, cancellationToken);
        if (state is null) return (null, null, refusal);
        // After the wait, which may be for that very customer; whose own event may come after those of the orders.
        var isKnown = await live.KnowsCustomerAsync(id, cancellationToken) || await HistoryOf(generation, id).AnyAsync(cancellationToken);
        return isKnown ? (generation, state, null) : (null, null, Problems.NotFound("customer", id));
    }

    private static IFindFluent<OrderDocument, OrderDocument> HistoryOf(ReadModelGeneration generation, string id) =>
        GetOrderHistory.Query(generation, new(id, null, null, null), after: null);

    /// <summary>Until the reader leaves, or is so slow that the listener was cut off.</summary>
    internal static async Task StreamAsync(Listener listener, HttpResponse response, TimeProvider time, CancellationToken cancellationToken)
    {
        var waiting = listener.Changes.WaitToReadAsync(cancellationToken).AsTask();
        while (true)
        {
            using var quiet = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var pause = Task.Delay(heartbeat, time, quiet.Token);
            if (await Task.WhenAny(waiting, pause) == pause)
            {
                await response.WriteAsync(": still here\n\n", cancellationToken);
                await response.Body.FlushAsync(cancellationToken);
                continue;
            }

            await quiet.CancelAsync();
            // Too slow to follow: ending the stream makes the reader come again for the current state.
            if (!await waiting) return;
            while (listener.Changes.TryRead(out var order)) await WriteAsync(response, "order", order, ViewJson.Default.OrderDocument, cancellationToken);
            waiting = listener.Changes.WaitToReadAsync(cancellationToken).AsTask();
        }
    }

    private static async Task WriteAsync<T>(HttpResponse response, string name, T value, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        await response.WriteAsync($"event: {name}\ndata: ", cancellationToken);
        await JsonSerializer.SerializeAsync(response.Body, value, type, cancellationToken);
        await response.WriteAsync("\n\n", cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }
}
