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
    /// <summary>The matching documents' bytes in order, found as they are consumed.</summary>
    public static IEnumerable<byte[]> Find(Collection? collection, Query query, ScanCounts? counts = null)
    {
        if (collection is null) return [];
        Plan plan;
        lock (collection.Gate)
            plan = Planner.Choose(collection, query.Filter, query.Sort, query.Hint);
        if (plan.IsIdLookup) return Page(Lookup(collection, plan, query, counts), query);
        var found = Walk(collection, plan, query, counts);
        var limit = query.Limit > 0 ? query.Skip + query.Limit : 0;
        return Page(query.Sort is null || plan.Sorted ? found : query.Sort.Apply(found, Bson.View, limit), query);
    }

    /// <summary>The matching records, under the collection's lock, which the caller holds.</summary>
    public static IEnumerable<(Record Record, BsonDocument View)> Records(Collection collection, Query query)
    {
        var plan = Planner.Choose(collection, query.Filter, query.Sort, query.Hint);
        if (plan.IsIdLookup)
        {
            var only = collection.IdIndex.Tree.Find(plan.Ranges[0].Low.Bytes);
            return only is not null && Bson.View(only.Bytes) is var view && query.Filter.Matches(view) ? [(only, view)] : [];
        }
        var records = plan.Ranges.SelectMany(range => Entries(collection, plan, range)).Select(entry => (entry.Record, View: Bson.View(entry.Record.Bytes)));
        if (plan.Index is { Multikey: true }) records = records.DistinctBy(entry => entry.Record.Id);
        var found = records.Where(entry => query.Filter.Matches(entry.View));
        return query.Sort is null || plan.Sorted ? found : query.Sort.Apply(found, entry => entry.View, query.Limit);
    }

    private static IEnumerable<byte[]> Page(IEnumerable<byte[]> found, Query query)
    {
        if (query.Skip > 0) found = found.Skip((int)Math.Min(query.Skip, int.MaxValue));
        return query.Limit > 0 ? found.Take((int)Math.Min(query.Limit, int.MaxValue)) : found;
    }

    private static byte[][] Lookup(Collection collection, Plan plan, Query query, ScanCounts? counts)
    {
        byte[]? bytes;
        lock (collection.Gate)
            bytes = collection.IdIndex.Tree.Find(plan.Ranges[0].Low.Bytes)?.Bytes;
        if (counts is not null && bytes is not null) (counts.Keys, counts.Documents) = (1, 1);
        return bytes is not null && query.Filter.Matches(Bson.View(bytes)) ? [bytes] : [];
    }

    private static IEnumerable<byte[]> Walk(Collection collection, Plan plan, Query query, ScanCounts? counts)
    {
        var seen = plan.Index is { Multikey: true } ? new HashSet<long>() : null;
        // A small limit should not read far ahead.
        var size = query.Limit > 0 && (query.Sort is null || plan.Sorted) ? (int)Math.Clamp(query.Skip + query.Limit, 16, PieceSize) : PieceSize;
        foreach (var whole in plan.Backward ? plan.Ranges.Reverse() : plan.Ranges)
            for (Interval? rest = whole; rest is { } range;)
            {
                var piece = new List<(long Id, byte[] Bytes)>(size);
                rest = Fetch(collection, plan, range, size, piece, counts);
                foreach (var (id, bytes) in piece)
                    if (seen?.Add(id) != false && (query.IsUnfiltered || query.Filter.Matches(Bson.View(bytes)))) yield return bytes;
            }
    }

    /// <summary>Copies a piece out under the lock and returns what remains of the range.</summary>
    private static Interval? Fetch(Collection collection, Plan plan, Interval range, int size, List<(long, byte[])> piece, ScanCounts? counts)
    {
        byte[]? last = null;
        lock (collection.Gate)
        {
            if (collection.Dropped) throw MongoRefusal.PlanKilled("the collection was dropped while it was being read");
            if (plan.Index is not null && !collection.Indexes.Contains(plan.Index))
                throw MongoRefusal.PlanKilled($"index '{plan.Index.Definition.Name}' was dropped while it was being read");
            foreach (var (key, record) in Entries(collection, plan, range))
            {
                piece.Add((record.Id, record.Bytes));
                last = key;
                if (piece.Count == size) break;
            }
        }
        if (counts is not null)
            (counts.Keys, counts.Documents) = (counts.Keys + (plan.Index is null ? 0 : piece.Count), counts.Documents + piece.Count);
        if (piece.Count < size || last is null) return null;
        return plan.Backward ? range with { High = new(last, false) } : range with { Low = new(last, true) };
    }

    private static IEnumerable<(byte[] Key, Record Record)> Entries(Collection collection, Plan plan, Interval range)
    {
        var tree = plan.Index?.Tree ?? collection.Natural;
        foreach (var entry in tree.From(plan.Backward ? range.High : range.Low, plan.Backward))
        {
            if (plan.Backward ? !range.Low.Precedes(entry.Key) : range.High.Precedes(entry.Key)) yield break;
            yield return entry;
        }
    }
}
