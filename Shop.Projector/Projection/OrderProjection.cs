using System.Runtime.CompilerServices;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Reliability;

namespace Shop.Projector.Projection;

/// <summary>What has just been done; <see cref="Visible"/> is when queries see the batch's orders.</summary>
public enum ProjectionStep
{
    StateRead,
    ReferencesWritten,
    OrdersWritten,
    Visible,
    NamesRead,
    OrdersRepaired,
    NamesPropagated,
    BucketsMarked,
}

/// <summary>
/// Applies a batch to the read model, as a sequence of steps that may end after any of them: whatever was left undone is done when the
/// messages come again, because every step runs for every message, whether or not its guarded write changed anything.
/// </summary>
/// <remarks>
/// Why names converge. A rename writes the reference document, then searches for orders to change; an order write writes the order, then
/// reads the reference documents. Whichever of the two firsts comes second is followed by a second step that sees the other's first.
/// </remarks>
public sealed class OrderProjection(ReadModels models, TimeProvider time)
{
    /// <summary>The newest document schema that this code can write.</summary>
    public const int KnownSchema = 1;

    /// <summary>Orders changed by one command of a propagation: small enough not to hold up others, and to lose little when killed.</summary>
    private const int PropagationPage = 500;

    private static readonly BsonDocument nameOnly = new() { { "name", 1 }, { "nameVersion", 1 } };

    /// <exception cref="UnknownSchemaException">Another version of the projector has begun to write a generation that this one cannot.</exception>
    public async IAsyncEnumerable<ProjectionStep> ApplyAsync(ProjectionBatch batch, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var generations = await GenerationsAsync(cancellationToken);
        yield return ProjectionStep.StateRead;
        await foreach (var step in ApplyAsync(batch, generations, cancellationToken)) yield return step;
    }

    /// <summary>Into these generations alone: how a rebuild fills the one that is not live yet.</summary>
    public async IAsyncEnumerable<ProjectionStep> ApplyAsync(
        ProjectionBatch batch, IReadOnlyList<ReadModelGeneration> generations, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(generations);
#if SEEDED_BUGS
        var redelivered = SeededBug.IsOn(SeededBug.NoFollowUpOnRedelivery) ? await SeededProjectionBugs.FindStoredAsync(models, generations[^1], batch, cancellationToken) : [];
#endif
        await WriteAsync(models.Customers, batch, AggregateKind.Customer, state => Documents.Customer((CustomerState)state, Now), cancellationToken);
        await WriteAsync(models.Products, batch, AggregateKind.Product, state => Documents.Product((ProductState)state, Now), cancellationToken);
        CrashPoint.Reached(CrashPoint.AfterReferenceBeforePropagation);
        yield return ProjectionStep.ReferencesWritten;

        foreach (var generation in generations)
        {
            await WriteAsync(generation.Orders, batch, AggregateKind.Order, state => Documents.Order((OrderState)state, Now), cancellationToken);
            yield return ProjectionStep.OrdersWritten;
        }

        CrashPoint.Reached(CrashPoint.AfterOrdersBeforeFollowUp);
        yield return ProjectionStep.Visible;

#if SEEDED_BUGS
        batch.Forget(redelivered);
#endif
        OrderState[] orders = [.. batch.Winners(AggregateKind.Order).Select(winner => (OrderState)winner.State)];
        var names = await NamesAsync(batch, orders, cancellationToken);
        yield return ProjectionStep.NamesRead;

        foreach (var generation in generations)
        {
            var repairs = NameRepair.OfWrittenOrders(orders, names, Now);
#if SEEDED_BUGS
            if (SeededBug.IsOn(SeededBug.NoNameRepair)) repairs.Clear();
#endif
            if (repairs.Count > 0) await generation.Orders.BulkWriteAsync(repairs, GuardedWrites.Unordered, cancellationToken);
            yield return ProjectionStep.OrdersRepaired;
            await foreach (var step in PropagateAsync(generation, batch, names, cancellationToken)) yield return step;
            await DirtyMarks.MarkAsync(generation.Dirty, DirtyMarks.Of(orders), cancellationToken);
            yield return ProjectionStep.BucketsMarked;
        }
    }

    private DateTimeOffset Now => time.GetUtcNow();

    private async Task<ReadModelGeneration[]> GenerationsAsync(CancellationToken cancellationToken)
    {
        var state = await models.FindStateAsync(cancellationToken) ?? await ReadModelSetup.CreateAsync(models, cancellationToken);
        if (state.Schema > KnownSchema) throw new UnknownSchemaException(state.Schema);
        // The live one last: what a query has seen, every other generation has too.
        return [.. state.Writing.OrderBy(number => number == state.Live).Select(models.Generation)];
    }

    private static async Task WriteAsync<T>(
        IMongoCollection<T> collection, ProjectionBatch batch, AggregateKind kind, Func<object, T> toDocument, CancellationToken cancellationToken)
    {
        var pending = batch.Winners(kind).ToList();
        while (pending.Count > 0)
        {
            (string, int, T)[] documents = [.. pending.Select(winner => (winner.Aggregate.Id, winner.Version, toDocument(winner.State)))];
            var refused = await GuardedWrites.ReplaceIfNewerAsync(collection, documents, cancellationToken);
            pending = [.. refused.Select(refusal => batch.Reject(pending[refusal.Index], refusal.Why)).OfType<ApplicableEvent>()];
        }
    }

    /// <summary>Read after every write of the batch. That order is what convergence rests on.</summary>
    private async Task<CurrentNames> NamesAsync(ProjectionBatch batch, OrderState[] orders, CancellationToken cancellationToken)
    {
        var customerIds = batch.Winners(AggregateKind.Customer).Select(winner => winner.Aggregate.Id)
            .Concat(orders.Select(order => order.CustomerId)).ToHashSet();
        var productIds = batch.Winners(AggregateKind.Product).Select(winner => winner.Aggregate.Id)
            .Concat(orders.SelectMany(order => order.Items).Select(line => line.ProductId)).ToHashSet();
        var customers = RenamedAsync(models.Customers, customerIds, cancellationToken);
        var products = RenamedAsync(models.Products, productIds, cancellationToken);
        return new(await customers, await products);
    }

    /// <summary>Nothing is older than a first name, so only what was renamed has to be fetched.</summary>
    private static async Task<Dictionary<string, CurrentName>> RenamedAsync<T>(
        IMongoCollection<T> collection, HashSet<string> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0) return [];
        var renamed = new BsonDocument { { "_id", new BsonDocument("$in", new BsonArray(ids)) }, { "nameVersion", new BsonDocument("$gt", 1) } };
        var found = await collection.Find(renamed).Project<BsonDocument>(nameOnly).ToListAsync(cancellationToken);
        return found.ToDictionary(document => document["_id"].AsString, document => new CurrentName(document["name"].AsString, document["nameVersion"].AsInt32));
    }

    private async IAsyncEnumerable<ProjectionStep> PropagateAsync(
        ReadModelGeneration generation, ProjectionBatch batch, CurrentNames names, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var customer in batch.Winners(AggregateKind.Customer))
        {
            var id = customer.Aggregate.Id;
            if (!names.Customers.TryGetValue(id, out var name)) continue;
            var older = NameRepair.OrdersWithOlderCustomerName(id, name.Version);
            await foreach (var page in PagesAsync(generation, older, cancellationToken))
            {
                await generation.Orders.BulkWriteAsync([NameRepair.OfCustomer(page, id, name, Now)], GuardedWrites.Unordered, cancellationToken);
                CrashPoint.Reached(CrashPoint.MidPropagation);
                yield return ProjectionStep.NamesPropagated;
            }
        }

        foreach (var product in batch.Winners(AggregateKind.Product))
        {
            var id = product.Aggregate.Id;
            if (!names.Products.TryGetValue(id, out var name)) continue;
            var older = NameRepair.OrdersWithOlderProductName(id, name.Version);
            await foreach (var page in PagesAsync(generation, older, cancellationToken))
            {
                await generation.Orders.BulkWriteAsync([NameRepair.OfProduct(page, id, name, Now)], GuardedWrites.Unordered, cancellationToken);
                CrashPoint.Reached(CrashPoint.MidPropagation);
                yield return ProjectionStep.NamesPropagated;
            }
        }
    }

    /// <summary>
    /// The identifiers, in one pass: orders that come into the range later repair themselves. The progress is in the orders, so a
    /// propagation that was killed goes on where it was.
    /// </summary>
    private static async IAsyncEnumerable<BsonArray> PagesAsync(
        ReadModelGeneration generation, BsonDocument filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var onlyIds = new FindOptions<OrderDocument, BsonDocument> { Projection = new BsonDocument("_id", 1), BatchSize = PropagationPage };
        using var cursor = await generation.Orders.FindAsync(filter, onlyIds, cancellationToken);
        while (await cursor.MoveNextAsync(cancellationToken))
        {
            BsonArray page = [.. cursor.Current.Select(found => found["_id"])];
            if (page.Count > 0) yield return page;
        }
    }
}

/// <summary>A generation is being written whose documents this version of the projector does not know.</summary>
public sealed class UnknownSchemaException(int schema)
    : InvalidOperationException($"The read model is written in schema {schema}; this projector knows {OrderProjection.KnownSchema}. Deploy a newer one.");
