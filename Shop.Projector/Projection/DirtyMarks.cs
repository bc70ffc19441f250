using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Projection;

/// <summary>Says which sums an order is part of, and marks them as no longer right.</summary>
public static class DirtyMarks
{
    /// <summary>Each bucket once. An order's customer, date and lines never change, so neither do its buckets.</summary>
    public static IReadOnlyCollection<DirtyBucket> Of(IEnumerable<OrderState> orders, Guid rev)
    {
        ArgumentNullException.ThrowIfNull(orders);
        Dictionary<string, DirtyBucket> buckets = [];
        foreach (var order in orders)
        {
            var month = OrderSums.MonthOf(order.OrderDate);
            Add(DirtyKind.CustomerMonth, OrderSums.CustomerMonthId(order.CustomerId, month), order.CustomerId, month);
            var day = OrderSums.DayOf(order.OrderDate);
            foreach (var line in order.Items) Add(DirtyKind.ProductDay, OrderSums.ProductDayId(line.ProductId, day), line.ProductId, day);
        }

        return buckets.Values;

        void Add(string kind, string bucketId, string key, DateTimeOffset from) =>
            buckets.TryAdd($"{kind}/{bucketId}", new($"{kind}/{bucketId}", kind, bucketId, key, from, rev));
    }

    public static DirtyBucket OfProduct(string productId, Guid rev) =>
        new($"{DirtyKind.Product}/{productId}", DirtyKind.Product, productId, productId, From: null, rev);

    public static async Task MarkAsync(IMongoCollection<DirtyBucket> collection, IReadOnlyCollection<DirtyBucket> buckets, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(collection);
        List<WriteModel<DirtyBucket>> marks = [.. buckets.Select(Mark)];
        // A replacement by identifier that races with an insertion or a deletion answers 11000: the mark must be set all the same.
        while (marks.Count > 0)
        {
            try
            {
                await collection.BulkWriteAsync(marks, GuardedWrites.Unordered, cancellationToken);
                return;
            }
            catch (MongoBulkWriteException<DirtyBucket> exception) when (exception.WriteConcernError is null
                && exception.WriteErrors.All(error => error.Category == ServerErrorCategory.DuplicateKey))
            {
                marks = [.. exception.WriteErrors.Select(error => marks[error.Index])];
            }
        }
    }

    private static ReplaceOneModel<DirtyBucket> Mark(DirtyBucket bucket) => new(new BsonDocument("_id", bucket.Id), bucket) { IsUpsert = true };
}
