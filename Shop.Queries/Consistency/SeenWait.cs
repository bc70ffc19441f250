using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MongoDB.Bson;
using MongoDB.Bson.Serialization;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Http;

namespace Shop.Queries.Consistency;

/// <summary>Waits until the read model has what a caller has seen: a short poll by identifier with growing steps.</summary>
internal sealed class SeenWait(LiveReadModel live, TimeProvider time)
{
    private const int DefaultSeconds = 2;
    internal const int MaxSeconds = 30;
    private static readonly BsonDocument withoutLines = new() { { "version", 1 }, { "customerId", 1 }, { "orderDate", 1 } };
    private static readonly TimeSpan firstStep = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan longestStep = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// The generation to read now, in which all of it is: the one that was live when the wait began may be gone when it ends. Null and a 503
    /// problem when the time ran out before the read model was there.
    /// </summary>
    public async Task<(ReadModelGeneration Generation, SeenState? State, IResult? Refusal)> ForAsync(
        IReadOnlyList<SeenVersion> seen, HttpRequest request, CancellationToken cancellationToken)
    {
        if (seen.Count == 0) return (await live.CurrentAsync(cancellationToken), SeenState.Nothing, null);
        var patience = PatienceOf(request);
        var start = time.GetTimestamp();
        var step = firstStep;
        while (true)
        {
            var generation = await live.CurrentAsync(cancellationToken);
            var state = await ReadAsync(generation, seen, cancellationToken);
            if (seen.All(version => state.VersionOf(version) >= version.Version)) return (generation, state, null);
            var left = patience - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero) return (generation, null, Behind(request.HttpContext, seen, state));
            await Task.Delay(step < left ? step : left, time, cancellationToken);
            step = step * 2 < longestStep ? step * 2 : longestStep;
        }
    }

    /// <summary><c>Prefer: wait=s</c> of RFC 7240; what is not understood is ignored, as it says.</summary>
    internal static TimeSpan PatienceOf(HttpRequest request)
    {
        foreach (var header in request.Headers["Prefer"])
        {
            foreach (var preference in (header ?? "").Split([',', ';'], StringSplitOptions.TrimEntries))
            {
                if (preference.Split('=', 2, StringSplitOptions.TrimEntries) is [var name, var value] && name.Equals("wait", StringComparison.OrdinalIgnoreCase)
                    && int.TryParse(value.Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
                    return TimeSpan.FromSeconds(Math.Min(seconds, MaxSeconds));
            }
        }

        return TimeSpan.FromSeconds(DefaultSeconds);
    }

    private async Task<SeenState> ReadAsync(ReadModelGeneration generation, IReadOnlyList<SeenVersion> seen, CancellationToken cancellationToken)
    {
        var orders = FindAsync(generation.Orders, seen, SeenKind.Order, withoutLines, cancellationToken);
        var customers = FindAsync(live.Models.Customers, seen, SeenKind.Customer, null, cancellationToken);
        var products = FindAsync(live.Models.Products, seen, SeenKind.Product, null, cancellationToken);
        return new(
            (await orders).ToDictionary(order => order["_id"].AsString, order => new SeenOrder(
                order["version"].AsInt32, order["customerId"].AsString, new(order["orderDate"].ToUniversalTime(), TimeSpan.Zero))),
            (await customers).Select(found => BsonSerializer.Deserialize<CustomerDocument>(found)).ToDictionary(customer => customer.Id),
            (await products).Select(found => BsonSerializer.Deserialize<ProductDocument>(found)).ToDictionary(product => product.Id));
    }

    private static async Task<List<BsonDocument>> FindAsync<T>(
        IMongoCollection<T> collection, IReadOnlyList<SeenVersion> seen, SeenKind kind, BsonDocument? projection, CancellationToken cancellationToken)
    {
        BsonArray ids = [.. seen.Where(version => version.Kind == kind || version.Kind == SeenKind.Any).Select(version => version.Id).Distinct()];
        return ids.Count == 0
            ? []
            : await collection.Find(new BsonDocument("_id", new BsonDocument("$in", ids))).Project<BsonDocument>(projection ?? []).ToListAsync(cancellationToken);
    }

    private static ProblemHttpResult Behind(HttpContext context, IReadOnlyList<SeenVersion> seen, SeenState state)
    {
        context.Response.Headers.RetryAfter = Problems.RetryAfterSeconds;
        var problem = new ProblemDetails
        {
            Status = StatusCodes.Status503ServiceUnavailable,
            Type = ProblemTypes.Of("read-model-behind"),
            Title = "The read model is not there yet",
            Detail = string.Join("; ", seen.Where(version => state.VersionOf(version) < version.Version)
                .Select(version => FormattableString.Invariant($"{version} was seen, the read model has version {state.VersionOf(version)}"))) + ".",
        };
        return TypedResults.Problem(problem);
    }
}
