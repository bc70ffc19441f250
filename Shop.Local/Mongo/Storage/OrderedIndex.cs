namespace Shop.Local.Mongo.Storage;

/// <summary>
/// An ordered index. A key is the fields' bytes and the record's id, so equal values stand in natural order; the <c>_id</c> index has the
/// bytes alone. Guarded by its collection's lock.
/// </summary>
internal sealed class OrderedIndex(IndexDefinition definition)
{
    private readonly KeyWriter writer = new();
    public IndexDefinition Definition { get; } = definition;
    public BPlusTree Tree { get; } = new();
    /// <summary>Once a document had an array at an indexed path, several keys can lead to one record and conditions may be met by different elements.</summary>
    public bool Multikey { get; private set; }

    /// <summary>The keys of a document without record ids.</summary>
    public List<byte[]> KeysOf(BsonDocument document)
    {
        var fields = new List<BsonValue>[Definition.Paths.Length];
        var multiple = -1;
        for (var i = 0; i < fields.Length; i++)
        {
            var multikey = false;
            DocumentPath.Collect(document, Definition.Paths[i], fields[i] = [], ref multikey);
            if (fields[i].Count == 0) fields[i].Add(BsonNull.Value);
            if (!multikey) continue;
            Multikey = true;
            // Only the leading field of a multikey index is ever searched, so further arrays need not be multiplied; but a unique one must see every pair.
            if (multiple >= 0 && (Definition.Unique || Definition.Paths[i][0] != Definition.Paths[multiple][0]))
                throw new MongoRefusal(171, "CannotIndexParallelArrays", $"cannot index parallel arrays [{string.Join('.', Definition.Paths[i])}] [{string.Join('.', Definition.Paths[multiple])}]");
            multiple = multiple >= 0 ? multiple : i;
        }
        return multiple < 0 ? [KeyOf(fields, 0, fields[0][0])] : [.. fields[multiple].Select(value => KeyOf(fields, multiple, value))];
    }

    /// <summary>The unique key of a document that another record has, if any.</summary>
    public BsonDocument? Conflict(BsonDocument document, List<byte[]> keys, Record? self)
    {
        if (!Definition.Unique && !Definition.IsId) return null;
        foreach (var key in keys)
            foreach (var (found, record) in Tree.From(new Bound(key, false), false))
            {
                if (!found.AsSpan().StartsWith(key)) break;
                if (!ReferenceEquals(record, self)) return Describe(document);
            }
        return null;
    }

    public void Add(List<byte[]> keys, Record record)
    {
        foreach (var key in keys) Tree.TryAdd(Entry(key, record), record);
    }

    public void Remove(List<byte[]> keys, Record record)
    {
        foreach (var key in keys) Tree.Remove(Entry(key, record));
    }

    /// <summary>Fills a new index from all records at once.</summary>
    public void Build(IEnumerable<Record> records)
    {
        var entries = new List<KeyValuePair<byte[], Record>>();
        foreach (var record in records) foreach (var key in KeysOf(Bson.View(record.Bytes))) entries.Add(new(Entry(key, record), record));
        entries.Sort(static (a, b) => a.Key.AsSpan().SequenceCompareTo(b.Key));
        var distinct = new List<KeyValuePair<byte[], Record>>(entries.Count);
        foreach (var entry in entries) if (distinct.Count == 0 || !distinct[^1].Key.AsSpan().SequenceEqual(entry.Key)) distinct.Add(entry);
        Tree.Load(distinct);
    }

    /// <summary>The first pair of records with the same unique key, as the key's values.</summary>
    public BsonDocument? FirstDuplicate()
    {
        byte[] previous = [];
        Record? owner = null;
        foreach (var (key, record) in Definition.Unique ? Tree.From(Bound.Start, false) : [])
        {
            if (owner is not null && !ReferenceEquals(owner, record) && previous.AsSpan(0, previous.Length - 8).SequenceEqual(key.AsSpan(0, key.Length - 8)))
                return Describe(Bson.View(record.Bytes));
            (previous, owner) = (key, record);
        }
        return null;
    }

    private byte[] Entry(byte[] key, Record record) =>
        Definition.IsId ? key : writer.Clear().WriteRaw(key).WriteRecordId(record.Id).ToArray();

    private byte[] KeyOf(List<BsonValue>[] fields, int multiple, BsonValue value)
    {
        writer.Clear();
        for (var i = 0; i < fields.Length; i++) writer.Write(i == multiple ? value : fields[i][0], Definition.Descending[i]);
        return writer.ToArray();
    }

    private BsonDocument Describe(BsonDocument document)
    {
        var value = new BsonDocument();
        foreach (var (name, path) in Definition.Key.Names.Zip(Definition.Paths))
        {
            var values = new List<BsonValue>();
            var multikey = false;
            DocumentPath.Collect(document, path, values, ref multikey);
            value[name] = values.Count == 0 || values[0] is BsonUndefined ? BsonNull.Value : Bson.Copy(values[0]);
        }
        return value;
    }
}
