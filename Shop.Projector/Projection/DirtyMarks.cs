using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Projection;

/// <summary>Says which sums a batch's orders are part of, and marks them as no longer right.</summary>
public static class DirtyMarks
{
    /// <summary>Keeps a mark far below the 16 MB of a document, also when every order of a batch has a thousand lines.</summary>
    private const int MostKeys = 5_000;

    /// <summary>
    /// Each bucket once, in as few marks as possible: one for an ordinary batch. An order's customer, date and lines never change, so
    /// neither do its buckets.
    /// </summary>
    public static IReadOnlyList<DirtyMark> Of(IEnumerable<OrderState> orders)
    {
        ArgumentNullException.ThrowIfNull(orders);
        Dictionary<DateTimeOffset, HashSet<string>> months = [];
        Dictionary<DateTimeOffset, HashSet<string>> days = [];
        foreach (var order in orders)
        {
            Of(months, OrderSums.MonthOf(order.OrderDate)).Add(order.CustomerId);
            var products = Of(days, OrderSums.DayOf(order.OrderDate));
            foreach (var line in order.Items) products.Add(line.ProductId);
        }

        if (months.Count == 0) return [];
        if (months.Values.Sum(keys => keys.Count) + days.Values.Sum(keys => keys.Count) <= MostKeys)
            return [new(Guid.CreateVersion7(), [.. months.Select(Whole)], [.. days.Select(Whole)])];
        return
        [
            .. months.SelectMany(Pieces).Select(piece => new DirtyMark(Guid.CreateVersion7(), [piece], [])),
            .. days.SelectMany(Pieces).Select(piece => new DirtyMark(Guid.CreateVersion7(), [], [piece])),
        ];
    }

    public static async Task MarkAsync(IMongoCollection<DirtyMark> collection, IReadOnlyList<DirtyMark> marks, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(collection);
        ArgumentNullException.ThrowIfNull(marks);
        if (marks.Count > 0) await collection.InsertManyAsync(marks, unordered, cancellationToken);
    }

    private static readonly InsertManyOptions unordered = new() { IsOrdered = false };

    private static HashSet<string> Of(Dictionary<DateTimeOffset, HashSet<string>> periods, DateTimeOffset from)
    {
        if (!periods.TryGetValue(from, out var keys)) periods.Add(from, keys = []);
        return keys;
    }

    private static DirtyPeriod Whole(KeyValuePair<DateTimeOffset, HashSet<string>> period) => new(period.Key, [.. period.Value]);

    private static IEnumerable<DirtyPeriod> Pieces(KeyValuePair<DateTimeOffset, HashSet<string>> period) =>
        period.Value.Chunk(MostKeys).Select(keys => new DirtyPeriod(period.Key, keys));
}
