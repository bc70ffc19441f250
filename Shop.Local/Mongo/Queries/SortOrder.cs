namespace Shop.Local.Mongo.Queries;

/// <summary>A sort specification. A document's place is one key, so that sorting compares bytes and each key is written once.</summary>
internal sealed class SortOrder
{
    private readonly (string Path, string[] Parts, bool Descending)[] fields;
    private SortOrder((string, string[], bool)[] fields) => this.fields = fields;
    public IReadOnlyList<(string Path, string[] Parts, bool Descending)> Fields => fields;

    public static SortOrder? Parse(BsonDocument? specification)
    {
        if (specification is null or { ElementCount: 0 }) return null;
        if (specification.ElementCount > 32) throw MongoRefusal.BadValue("a sort has at most 32 fields");
        return new SortOrder([.. specification.Select(Field)]);
    }

    /// <summary>Of an array the smallest element counts, or the largest when descending; missing sorts as null, an empty array below it.</summary>
    public byte[] KeyOf(BsonDocument document)
    {
        var writer = new KeyWriter();
        foreach (var (_, parts, descending) in fields)
        {
            var multikey = false;
            if (parts.Length == 1 && !(document.TryGetValue(parts[0], out var direct) && direct is BsonArray))
            {
                writer.Write(document.GetValue(parts[0], BsonNull.Value), descending);
                continue;
            }
            var values = new List<BsonValue>();
            DocumentPath.Collect(document, parts, values, ref multikey);
            var best = values.Count == 0 ? BsonNull.Value : values[0];
            foreach (var value in values) if (descending ? Values.Compare(value, best) > 0 : Values.Compare(value, best) < 0) best = value;
            writer.Write(best, descending);
        }
        return writer.ToArray();
    }

    /// <summary>Stable; with a limit, only that many are held at once.</summary>
    public IEnumerable<T> Apply<T>(IEnumerable<T> items, Func<T, BsonDocument> view, long limit)
    {
        if (limit is <= 0 or > 10_000)
            return items.Select(item => (Item: item, Key: KeyOf(view(item)))).OrderBy(pair => pair.Key, ByteKeys.Instance).Select(pair => pair.Item);
        var best = new PriorityQueue<T, (byte[] Key, long Order)>(Comparer<(byte[] Key, long Order)>.Create((a, b) =>
            ByteKeys.Instance.Compare(b.Key, a.Key) is not 0 and var order ? order : b.Order.CompareTo(a.Order)));
        var count = 0L;
        foreach (var item in items)
        {
            var priority = (KeyOf(view(item)), count++);
            if (best.Count < limit)
                best.Enqueue(item, priority);
            else best.EnqueueDequeue(item, priority);
        }
        var result = new T[best.Count];
        for (var i = result.Length - 1; i >= 0; i--) result[i] = best.Dequeue();
        return result;
    }

    private static (string, string[], bool) Field(BsonElement element)
    {
        if (!TypeOrder.IsNumber(element.Value) || Values.ToInteger(element.Value, element.Name) is not (1 or -1) || element.Name.Length == 0 || element.Name[0] == '$')
            throw new MongoRefusal(15975, "Location15975", $"$sort key ordering must be 1 (for ascending) or -1 (for descending): {element.Name}");
        return (element.Name, DocumentPath.Split(element.Name), Values.ToInteger(element.Value, element.Name) < 0);
    }
}
