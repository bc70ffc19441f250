namespace Shop.Local.Mongo.Queries;

/// <summary>A sort specification. A document's place is one key, so that sorting compares bytes and each key is written once.</summary>
internal sealed class SortOrder(IReadOnlyList<(FieldPath Path, bool Descending)> fields)
{
    private const int MaxFields = 32;

    public IReadOnlyList<(FieldPath Path, bool Descending)> Fields => fields;

    public static SortOrder? Parse(RawValue specification) => specification.TryFirst(out _) ? Parse(specification.ToDocument()) : null;

    /// <summary>A specification of at least one field.</summary>
    public static SortOrder Parse(BsonDocument specification) => specification.ElementCount <= MaxFields ? new SortOrder([.. specification.Select(Field)])
        : throw MongoRefusal.BadValue($"a sort has at most {MaxFields} fields");

    /// <summary>Of an array the smallest element counts, or the largest when descending; missing sorts as null, an empty array below it.</summary>
    public byte[] KeyOf(RawValue document)
    {
        var writer = new KeyWriter();
        var values = new List<RawValue>();
        foreach (var (path, descending) in fields)
        {
            values.Clear();
            path.Collect(document, values);
            writer.Write(values.Count switch
            {
                0 => RawValue.Null,
                1 => values[0],
                _ => descending ? values.MaxBy(KeyWriter.Of, ByteKeys.Instance) : values.MinBy(KeyWriter.Of, ByteKeys.Instance)
            }, descending);
        }
        return writer.ToArray();
    }

    /// <summary>Stable.</summary>
    public IEnumerable<T> Apply<T>(IEnumerable<T> items, Func<T, RawValue> documentOf) =>
        items.Select(item => (Item: item, Key: KeyOf(documentOf(item)))).OrderBy(pair => pair.Key, ByteKeys.Instance).Select(pair => pair.Item);

    private static (FieldPath, bool) Field(BsonElement element)
    {
        if (!TypeOrder.IsNumber(element.Value) || Values.ToInteger(element.Value, element.Name) is not (1 or -1) || element.Name is "" or ['$', ..])
            throw MongoRefusal.Location(15975, $"$sort key ordering must be 1 (for ascending) or -1 (for descending): {element.Name}");
        return (new FieldPath(element.Name), Values.ToInteger(element.Value, element.Name) < 0);
    }
}
