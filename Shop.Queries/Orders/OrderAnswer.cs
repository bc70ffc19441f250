using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Shop.Contracts.Views;
using Shop.Queries.Http;

namespace Shop.Queries.Orders;

/// <summary>One order with its <c>ETag</c>, or 304 when the caller has it.</summary>
internal sealed class OrderAnswer(StoredOrder? stored, OrderDocument? document) : IResult
{
    [ThreadStatic]
    private static List<int>? kept;

    public static OrderAnswer Of(StoredOrder order) => new(order, null);

    public static OrderAnswer Of(OrderDocument order) => new(null, order);

    public Task ExecuteAsync(HttpContext httpContext) => stored is null || !TryAnswer(httpContext, stored)
        ? ExecuteAsync(httpContext, document ?? stored!.ToDocument())
        : Task.CompletedTask;

    private static bool TryAnswer(HttpContext context, StoredOrder order)
    {
        var buffer = JsonBuffer.Take();
        var nameVersions = kept ??= [];
        nameVersions.Clear();
        if (!OrderJson.TryWrite(buffer.Writer, order.Bson, nameVersions, out var version))
        {
            buffer.Return();
            return false;
        }

        if (IsKnown(context, EntityTag(version, CollectionsMarshal.AsSpan(nameVersions)))) buffer.Return();
        else buffer.Answer(context.Response);
        return true;
    }

    private static Task ExecuteAsync(HttpContext context, OrderDocument order)
    {
        var etag = EntityTag(order.Version, [order.CustomerVersion, .. order.Items.Select(line => line.ProductVersion)]);
        return IsKnown(context, etag) ? Task.CompletedTask : JsonAnswer.Of(order, ViewJson.Default.OrderDocument).ExecuteAsync(context);
    }

    private static bool IsKnown(HttpContext context, string etag)
    {
        context.Response.Headers.ETag = etag;
        if (!Matches(context.Request.Headers.IfNoneMatch, etag)) return false;
        context.Response.StatusCode = StatusCodes.Status304NotModified;
        return true;
    }

    /// <summary>
    /// The order's version and a hash of the versions of the names in it: nothing else in the document can change. FNV-1a
    /// (https://datatracker.ietf.org/doc/draft-eastlake-fnv/), because it is the same in every instance and nobody gains by a collision.
    /// </summary>
    private static string EntityTag(int version, ReadOnlySpan<int> nameVersions)
    {
        const ulong offset = 14695981039346656037, prime = 1099511628211;
        var hash = offset;
        foreach (var part in MemoryMarshal.AsBytes(nameVersions)) hash = (hash ^ part) * prime;
        return string.Create(CultureInfo.InvariantCulture, $"\"{version}-{hash:x16}\"");
    }

    private static bool Matches(StringValues ifNoneMatch, string etag) =>
        ifNoneMatch.Count > 0 && EntityTagHeaderValue.TryParseList([.. ifNoneMatch.OfType<string>()], out var tags)
        && tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Tag == etag);
}
