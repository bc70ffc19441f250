using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Options;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.Projector.Observation;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Rebuild;

/// <summary>
/// Compares a generation with the write side: every customer, product and order in both directions, then the summaries with the orders, which
/// by then are known to be right. Runs beside the traffic, in pages, with a memory that does not depend on how much there is.
/// </summary>
internal sealed class ReadModelComparison(
    ReadModels models, WriteSideClient writeSide, IOptions<RebuildOptions> options, ProjectionStatus projection, TimeProvider time)
{
    private const int Page = 500;

    public async Task<ComparisonReport> RunAsync(int number, Action<string, long, long> progress, CancellationToken cancellationToken)
    {
        var generation = models.Generation(number);
        var totals = await writeSide.CountAsync(cancellationToken);
        // Twice, for both directions, and customers and products once more for their summaries.
        var tally = new ComparisonTally((3 * (totals.Customers + totals.Products)) + (2 * totals.Orders), progress);
        await CompareAsync(
            new Aspect<CustomerState, CustomerDocument>("customer", "customers", EventJson.Default.CustomerState, state => state.CustomerId,
                models.Customers, document => document.Id, Explain.Customer), tally, cancellationToken);
        await CompareAsync(
            new Aspect<ProductState, ProductDocument>("product", "products", EventJson.Default.ProductState, state => state.ProductId,
                models.Products, document => document.Id, Explain.Product), tally, cancellationToken);
        await CompareAsync(
            new Aspect<OrderState, OrderDocument>("order", "orders", EventJson.Default.OrderState, state => state.OrderId,
                generation.Orders, document => document.Id, Explain.Order), tally, cancellationToken);
        await CompareSummariesAsync(generation, tally, cancellationToken);
        return tally.ToReport(number);
    }

    private async Task CompareAsync<TState, TDocument>(Aspect<TState, TDocument> aspect, ComparisonTally tally, CancellationToken cancellationToken)
        where TState : class
        where TDocument : class
    {
        var recheck = new Recheck(tally, options.Value, projection, time, (ids, token) => FindDifferencesAsync(aspect, ids, token));
        string? after = "";
        while (after is not null)
        {
            var page = await writeSide.PageAsync(aspect.Kind, after, cancellationToken);
            var states = aspect.Read(page);
            await recheck.SuspectAsync((await DifferencesAsync(aspect, states, states.Keys, cancellationToken)).Select(difference => difference.Id), cancellationToken);
            tally.Advance(aspect.What, states.Count, counts: true);
            after = page.Next;
        }

        // The other direction: what the read model has must exist.
        await foreach (var ids in IdPages.OfAsync(aspect.Documents, cancellationToken))
        {
            var states = aspect.Read(await writeSide.FindAsync(aspect.Kind, ids, cancellationToken));
            await recheck.SuspectAsync(ids.Where(id => !states.ContainsKey(id)), cancellationToken);
            tally.Advance(aspect.What, ids.Count, counts: false);
        }

        await recheck.SettleAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<Difference>> FindDifferencesAsync<TState, TDocument>(
        Aspect<TState, TDocument> aspect, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
        where TState : class
        where TDocument : class =>
        await DifferencesAsync(aspect, aspect.Read(await writeSide.FindAsync(aspect.Kind, ids, cancellationToken)), ids, cancellationToken);

    private static async Task<List<Difference>> DifferencesAsync<TState, TDocument>(
        Aspect<TState, TDocument> aspect, Dictionary<string, TState> states, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
        where TState : class
        where TDocument : class
    {
        if (ids.Count == 0) return [];
        var found = await aspect.Documents.Find(new BsonDocument("_id", new BsonDocument("$in", new BsonArray(ids)))).ToListAsync(cancellationToken);
        var documents = found.ToDictionary(aspect.IdentifyDocument);
        List<Difference> differences = [];
        foreach (var id in ids)
        {
            var difference = (states.GetValueOrDefault(id), documents.GetValueOrDefault(id)) switch
            {
                ({ } state, { } document) => aspect.Explain(state, document) is { } why ? new Difference(DifferenceVerdict.Different, aspect.What, id, why) : null,
                ({ }, null) => new Difference(DifferenceVerdict.Missing, aspect.What, id, "the write side has it"),
                (null, { }) => new Difference(DifferenceVerdict.Extra, aspect.What, id, "the write side does not have it"),
                _ => null,
            };
            if (difference is not null) differences.Add(difference);
        }

        return differences;
    }

    private async Task CompareSummariesAsync(ReadModelGeneration generation, ComparisonTally tally, CancellationToken cancellationToken)
    {
        var customers = new Recheck(tally, options.Value, projection, time, (ids, token) => SummaryDifferences.OfCustomersAsync(generation, ids, token));
        await foreach (var ids in IdPages.OfAsync(models.Customers, cancellationToken))
        {
            await customers.LookAsync(ids, cancellationToken);
            tally.Advance("customer-summary", ids.Count, counts: true);
        }

        // Also those of customers that nobody knows.
        await foreach (var ids in IdPages.OfAsync(generation.CustomerMonths, "customerId", cancellationToken)) await customers.LookAsync(ids, cancellationToken);
        await customers.SettleAsync(cancellationToken);

        var products = new Recheck(tally, options.Value, projection, time, (ids, token) => SummaryDifferences.OfProductsAsync(generation, ids, token));
        await foreach (var ids in IdPages.OfAsync(models.Products, cancellationToken))
        {
            await products.LookAsync(ids, cancellationToken);
            tally.Advance("product-sales", ids.Count, counts: true);
        }

        await foreach (var ids in IdPages.OfAsync(generation.ProductSales, cancellationToken)) await products.LookAsync(ids, cancellationToken);
        await products.SettleAsync(cancellationToken);
    }

    private sealed record Aspect<TState, TDocument>(
        string What, string Kind, JsonTypeInfo<TState> Json, Func<TState, string> Identify,
        IMongoCollection<TDocument> Documents, Func<TDocument, string> IdentifyDocument, Func<TState, TDocument, string?> Explain)
    {
        public Dictionary<string, TState> Read(SnapshotPage page) =>
            page.States.Select(state => JsonSerializer.Deserialize(state.Span, Json) ?? throw new JsonException("The write side answered null.")).ToDictionary(Identify);
    }

    /// <summary>The identifiers in a collection, in pages.</summary>
    private static class IdPages
    {
        public static IAsyncEnumerable<IReadOnlyCollection<string>> OfAsync<T>(IMongoCollection<T> collection, CancellationToken cancellationToken) =>
            CursorAsync(() => collection.FindAsync(
                FilterDefinition<T>.Empty,
                new FindOptions<T, BsonDocument> { Projection = new BsonDocument("_id", 1), Sort = new BsonDocument("_id", 1), BatchSize = Page }, cancellationToken), cancellationToken);

        /// <summary>The different values of a field.</summary>
        public static IAsyncEnumerable<IReadOnlyCollection<string>> OfAsync<T>(IMongoCollection<T> collection, string field, CancellationToken cancellationToken) =>
            CursorAsync(() => collection.AggregateAsync<BsonDocument>(
                new BsonDocument[] { new("$group", new BsonDocument("_id", $"${field}")) }, new AggregateOptions { BatchSize = Page }, cancellationToken), cancellationToken);

        private static async IAsyncEnumerable<IReadOnlyCollection<string>> CursorAsync(
            Func<Task<IAsyncCursor<BsonDocument>>> openAsync, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            using var cursor = await openAsync();
            while (await cursor.MoveNextAsync(cancellationToken))
                foreach (var page in cursor.Current.Select(document => document["_id"].AsString).Chunk(Page)) yield return page;
        }
    }
}
