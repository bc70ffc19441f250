using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Timeouts;
using Npgsql;
using Shop.Commands.Intake;
using Shop.Contracts.Administration;
using Shop.Contracts.Events;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Commands.Snapshot;

/// <summary>
/// The write side as it is now, for rebuilding and checking read models: <c>GET /snapshot/{kind}?after=&amp;limit=</c> answers one page in the order
/// of identifiers, as NDJSON of the states that events carry, and the header <c>X-Next</c> when there may be more. <c>POST /snapshot/{kind}</c>
/// with a JSON array of identifiers answers those that exist. <c>GET /snapshot</c> answers how many there are.
/// </summary>
internal static class SnapshotRoutes
{
    private const string NextHeader = "X-Next";
    private const int DefaultLimit = 500;
    private const int MaxLimit = 1_000;

    /// <summary>A thousand identifiers with their quotes, and room for white space.</summary>
    private const int MaxBodyBytes = 128 * 1024;

    // A caller that waits longer than this would ask for the same page again while it is being read.
    private static readonly RequestTimeoutPolicy budget = new() { Timeout = Pipelines.SnapshotBudget, TimeoutStatusCode = StatusCodes.Status503ServiceUnavailable };

    public static void MapSnapshot(this IEndpointRouteBuilder routes)
    {
        var administration = routes.MapGroup("");
        administration.WithRequestTimeout(budget);
        administration.MapGet("/snapshot", async (NpgsqlDataSource dataSource, CancellationToken cancellationToken) =>
            TypedResults.Ok(await SnapshotReader.CountAsync(dataSource, cancellationToken)));
        Map(administration, "customers", SnapshotReader.CustomersAsync, EventJson.Default.CustomerState, state => state.CustomerId);
        Map(administration, "products", SnapshotReader.ProductsAsync, EventJson.Default.ProductState, state => state.ProductId);
        Map(administration, "orders", SnapshotReader.OrdersAsync, EventJson.Default.OrderState, state => state.OrderId);
    }

    private static void Map<TState>(
        IEndpointRouteBuilder administration, string kind, Func<NpgsqlDataSource, SnapshotRange, CancellationToken, Task<List<TState>>> readAsync,
        JsonTypeInfo<TState> json, Func<TState, string> identify)
    {
        administration.MapGet($"/snapshot/{kind}", async Task<IResult> (string? after, int? limit, HttpContext context, NpgsqlDataSource dataSource) =>
        {
            if (limit is < 1 or > MaxLimit || (after is { Length: > 0 } && !Identifiers.IsValid(after)))
                return Malformed($"limit must be 1 to {MaxLimit}, and after an identifier.");
            var most = limit ?? DefaultLimit;
            var states = await readAsync(dataSource, new(after ?? "", most, Ids: null), context.RequestAborted);
            if (states.Count == most) context.Response.Headers[NextHeader] = identify(states[^1]);
            return Lines(states, json);
        });
        administration.MapPost($"/snapshot/{kind}", async Task<IResult> (HttpContext context, NpgsqlDataSource dataSource) =>
        {
            if (context.Request.ContentLength is not <= MaxBodyBytes) return Malformed($"The body must have a length of at most {MaxBodyBytes} bytes.");
            string[]? ids;
            try
            {
                ids = await JsonSerializer.DeserializeAsync(context.Request.Body, AdministrationJson.Default.StringArray, context.RequestAborted);
            }
            catch (JsonException)
            {
                ids = null;
            }

            return ids is { Length: <= MaxLimit } && Array.TrueForAll(ids, id => id is not null && Identifiers.IsValid(id))
                ? Lines(await readAsync(dataSource, new("", ids.Length, ids), context.RequestAborted), json)
                : Malformed($"The body must be a JSON array of at most {MaxLimit} identifiers.");
        });
    }

    // Written out before it is sent: a reader that is slow must not keep a transaction open.
    private static FileContentHttpResult Lines<TState>(List<TState> states, JsonTypeInfo<TState> json)
    {
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        using var writer = new Utf8JsonWriter(buffer);
        foreach (var state in states)
        {
            JsonSerializer.Serialize(writer, state, json);
            writer.Flush();
            writer.Reset();
            buffer.Write("\n"u8);
        }

        return TypedResults.Bytes(buffer.WrittenMemory, "application/x-ndjson");
    }

    private static ProblemHttpResult Malformed(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);
}
