namespace Shop.Local.Mongo.Queries;

/// <summary>Counts what a walk looked at, for <c>explain</c>.</summary>
internal sealed class ScanCounts
{
    public long Keys { get; set; }
    public long Documents { get; set; }
}

/// <summary>A query as all commands ask it.</summary>
internal sealed record Query(Filter Filter, SortOrder? Sort = null, long Skip = 0, long Limit = 0, BsonValue? Hint = null)
{
    public bool IsUnfiltered => Filter is AllOf { Parts.Count: 0 };
}

/// <summary>Walks a plan. Readers hold the collection's lock for a few hundred records at a time and seek again from the last key.</summary>
internal static class Executor
{
    private const int PieceSize = 256;
    private const int PieceBytes = 1024 * 1024;

    /// <summary>The matching documents in order, found as they are consumed.</summary>
    public static IEnumerable<byte[]> Find(Collection? collection, Query query, ScanCounts? counts = null) =>
        collection is null ? [] : Search(collection, query, counts).Select(found => found.Bytes);

    /// <summary>The matching records, under the collection's lock, which the caller holds.</summary>
    public static IReadOnlyList<Record> Records(Collection collection, Query query)
    {
        if (query.Hint is not null || query.Filter.IdKey is not { } id) return [.. Search(collection, query, null).Select(found => found.Record)];
        return collection.IdIndex.Tree.Find(id) is { } only && query.Filter.Matches(only.Document) ? [only] : [];
    }

    private static IEnumerable<(Record Record, byte[] Bytes)> Search(Collection collection, Query query, ScanCounts? counts)
    {
        Plan plan;
        lock (collection.Gate)
            plan = Planner.Choose(collection, query.Filter, query.Sort, query.Hint);
        var found = Walk(collection, plan, query, counts);
        if (query.Sort is not null && !plan.Sorted) found = query.Sort.Apply(found, entry => RawValue.Document(entry.Bytes));
        if (query.Skip > 0) found = found.Skip((int)Math.Min(query.Skip, int.MaxValue));
        return query.Limit > 0 ? found.Take((int)Math.Min(query.Limit, int.MaxValue)) : found;
    }

    private static IEnumerable<(Record Record, byte[] Bytes)> Walk(Collection collection, Plan plan, Query query, ScanCounts? counts)
    {
        var seen = plan.Index is { Multikey: true } ? new HashSet<Record>() : null;
        // A small limit should not read far ahead.
        var size = query.Limit > 0 && (query.Sort is null || plan.Sorted) ? (int)Math.Clamp(query.Skip + query.Limit, 16, PieceSize) : PieceSize;
        var rest = new Stack<Interval>(plan.Backward ? plan.Ranges : plan.Ranges.Reverse());
        while (rest.Count > 0)
            foreach (var entry in Fetch(collection, plan, rest, size, counts))
                if (seen?.Add(entry.Record) != false && (query.IsUnfiltered || query.Filter.Matches(RawValue.Document(entry.Bytes)))) yield return entry;
    }

    /// <summary>Copies a piece out under the lock and leaves what remains of the ranges.</summary>
    private static List<(Record Record, byte[] Bytes)> Fetch(Collection collection, Plan plan, Stack<Interval> rest, int size, ScanCounts? counts)
    {
        var piece = new List<(Record, byte[])>();
        var bytes = 0;
        lock (collection.Gate)
        {
            if (collection.Dropped) throw MongoRefusal.PlanKilled("the collection was dropped while it was being read");
            if (plan.Index is not null && !collection.Indexes.Contains(plan.Index))
                throw MongoRefusal.PlanKilled($"index '{plan.Index.Definition.Name}' was dropped while it was being read");
            while (piece.Count < size && bytes < PieceBytes && rest.TryPop(out var range))
                foreach (var (key, record) in Entries(collection, plan, range))
                {
                    piece.Add((record, record.Document.Bytes.ToArray()));
                    bytes += record.Document.Length;
                    if (piece.Count < size && bytes < PieceBytes) continue;
                    rest.Push(plan.Backward ? range with { High = new(key, false) } : range with { Low = new(key, true) });
                    break;
                }
        }
        if (counts is not null)
            (counts.Keys, counts.Documents) = (counts.Keys + (plan.Index is null ? 0 : piece.Count), counts.Documents + piece.Count);
        return piece;
    }

    private static IEnumerable<(byte[] Key, Record Record)> Entries(Collection collection, Plan plan, Interval range)
    {
        if (plan.Index is { Definition.IsId: true } && range.IsPoint)
            return plan.Index.Tree.Find(range.Low.Bytes) is { } only ? [(range.Low.Bytes, only)] : [];
        return Between(plan.Index?.Tree ?? collection.Natural, range, plan.Backward);
    }

    private static IEnumerable<(byte[] Key, Record Record)> Between(BPlusTree tree, Interval range, bool backward)
    {
        foreach (var entry in tree.From(backward ? range.High : range.Low, backward))
        {
            if (backward ? !range.Low.Precedes(entry.Key) : range.High.Precedes(entry.Key)) yield break;
            yield return entry;
        }
    }
}
