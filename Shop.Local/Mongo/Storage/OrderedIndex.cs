namespace Shop.Local.Mongo.Storage;

/// <summary>
/// An ordered index. A key is the fields' bytes and the record's id, so equal values stand in natural order; the <c>_id</c> index has the
/// bytes alone. Guarded by its collection's lock.
/// </summary>
internal sealed class OrderedIndex(IndexDefinition definition)
{
    private const int RecordIdBytes = 8;
    private readonly KeyWriter writer = new();
    private readonly List<RawValue>[] fields = [.. definition.Paths.Select(_ => new List<RawValue>())];

    public IndexDefinition Definition { get; } = definition;
    public BPlusTree Tree { get; } = new();

    /// <summary>Once a document had an array at an indexed path, several keys can lead to one record and conditions may be met by different elements.</summary>
    public bool Multikey { get; private set; }

    /// <summary>The keys that lead to a document.</summary>
    /// <exception cref="MongoRefusal">Arrays at two paths that cannot be combined.</exception>
    public List<byte[]> KeysOf(RawValue document, long recordId)
    {
        var multiple = -1;
        for (var i = 0; i < fields.Length; i++)
        {
            fields[i].Clear();
            var isArray = Definition.Paths[i].Collect(document, fields[i]);
            if (fields[i].Count == 0) fields[i].Add(RawValue.Null);
            if (!isArray) continue;
            Multikey = true;
            if (multiple < 0) multiple = i;
            // Only the leading field of a multikey index is ever searched, so further arrays need not be multiplied; but a unique one must see every pair.
            else if (Definition.Unique || Definition.Paths[i].Parts[0] != Definition.Paths[multiple].Parts[0])
                throw new MongoRefusal(171, "CannotIndexParallelArrays", $"cannot index parallel arrays [{Definition.Paths[i].Text}] [{Definition.Paths[multiple].Text}]");
        }
        return multiple < 0 ? [KeyOf(-1, default, recordId)] : fields[multiple].ConvertAll(value => KeyOf(multiple, value, recordId));
    }

    /// <summary>The unique key of a document that another record has, if any.</summary>
    public BsonDocument? Conflict(RawValue document, List<byte[]> keys, Record? self)
    {
        if (Definition.IsId) return Tree.Find(keys[0]) is null ? null : Describe(document);
        foreach (var key in Definition.Unique ? keys : [])
        {
            var values = key[..^RecordIdBytes];
            foreach (var (found, record) in Tree.From(new Bound(values, false), false))
            {
                if (!found.AsSpan().StartsWith(values)) break;
                if (!ReferenceEquals(record, self)) return Describe(document);
            }
        }
        return null;
    }

    public void Add(List<byte[]> keys, Record record)
    {
        foreach (var key in keys) Tree.TryAdd(key, record);
    }

    public void Remove(List<byte[]> keys)
    {
        foreach (var key in keys) Tree.Remove(key);
    }

    private byte[] KeyOf(int multiple, RawValue value, long recordId)
    {
        writer.Clear();
        for (var i = 0; i < fields.Length; i++) writer.Write(i == multiple ? value : fields[i][0], Definition.Descending[i]);
        return (Definition.IsId ? writer : writer.WriteRecordId(recordId)).ToArray();
    }

    private BsonDocument Describe(RawValue document) => new(Definition.Paths.Select(path =>
    {
        var values = new List<RawValue>();
        path.Collect(document, values);
        return new BsonElement(path.Text, values is [] or [{ Type: BsonType.Undefined }, ..] ? BsonNull.Value : values[0].ToBson());
    }));
}
