using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Shop.Contracts.Views;
using Shop.Queries.Consistency;
using Shop.Queries.Http;

namespace Shop.Queries.Orders;

/// <summary><c>GET /orders/{id}</c>: one lookup, which requests that come together share.</summary>
internal static class GetOrder
{
    private const int HashBytes = 8;

    public static void MapGetOrder(this IEndpointRouteBuilder routes) => routes.MapGet("/orders/{id}", HandleAsync);

    private static async Task<IResult> HandleAsync(string id, LiveReadModel live, SeenWait wait, OrderLookup lookup, HttpContext context)
    {
        var parameters = new QueryParameters(context.Request.Query);
        var seen = SeenVersion.Read(parameters, SeenKind.Order, id);
        if (!parameters.IsValid) return Problems.Invalid(parameters.Errors);
        if (!QueryParameters.IsId(id)) return Problems.NotFound("order", id);
        var generation = await live.CurrentAsync(context.RequestAborted);
        var (state, refusal) = await wait.ForAsync(generation, seen, context.Request, context.RequestAborted);
        if (state is null) return refusal!;
        var order = await lookup.FindAsync(generation, id, context.RequestAborted);
        if (order is null) return Problems.NotFound("order", id);

        order = state.WithSeenNames(order);
        var etag = EntityTag(order);
        context.Response.Headers.ETag = etag;
        return Matches(context.Request.Headers.IfNoneMatch, etag)
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : JsonAnswer.Of(order, ViewJson.Default.OrderDocument);
    }

    /// <summary>The order's version and a hash of the versions of the names in it: nothing else in the document can change.</summary>
    internal static string EntityTag(OrderDocument order)
    {
        Span<byte> versions = new byte[(order.Items.Count + 1) * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(versions, order.CustomerVersion);
        for (var i = 0; i < order.Items.Count; i++)
            BinaryPrimitives.WriteInt32LittleEndian(versions[((i + 1) * sizeof(int))..], order.Items[i].ProductVersion);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(versions, hash);
        return FormattableString.Invariant($"\"{order.Version}-{Convert.ToHexStringLower(hash[..HashBytes])}\"");
    }

    private static bool Matches(StringValues ifNoneMatch, string etag) =>
        ifNoneMatch.Count > 0 && EntityTagHeaderValue.TryParseList([.. ifNoneMatch.OfType<string>()], out var tags)
        && tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Tag == etag);
}
