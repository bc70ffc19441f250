using System.Buffers.Binary;

namespace Shop.Local.Mongo.Storage;

/// <summary>
/// The records of one namespace and their indexes. Every member but the identity is read and written under <see cref="Gate"/>; a change
/// is applied to all indexes or, when one refuses it, to none, and waits in <see cref="Pending"/> for the journal.
/// </summary>
internal sealed class Collection(int id, string name, Guid uuid)
{
    private const int FrameBytes = 1024 * 1024;
    private readonly DocumentHeap heap = new();
    private long lastRecordId;
    public Lock Gate { get; } = new();
    public int Id { get; } = id;
    public string Namespace { get; set; } = name;
    public Guid Uuid { get; } = uuid;
    public bool Dropped { get; set; }

    /// <summary>What is not in the log yet; it has to be before the lock is released.</summary>
    public ChangeBatch Pending { get; } = new();
    public List<OrderedIndex> Indexes { get; } = [new OrderedIndex(IndexDefinition.Id)];
    public OrderedIndex IdIndex => Indexes[0];

    /// <summary>The index that a client means by its name or by its key.</summary>
    public OrderedIndex? IndexOf(BsonValue which) => Indexes.Find(index => which is BsonString name ? index.Definition.Name == name.Value
        : which is BsonDocument key && index.Definition.SameKey(key));

    public BPlusTree Natural { get; } = new();
    public int Count => Natural.Count;
    public long DataBytes { get; private set; }

    /// <param name="document">As <see cref="StoredDocument"/> makes it; it is copied.</param>
    public void Insert(RawValue document)
    {
        var id = lastRecordId + 1;
        var keys = Indexes.ConvertAll(index => KeysFor(index, document, id, null));
        var record = Append(document);
        for (var i = 0; i < keys.Count; i++) Indexes[i].Add(keys[i], record);
        Pending.Put(Id, document);
    }

    /// <summary>The <c>_id</c> is the same.</summary>
    public void Replace(Record record, RawValue after)
    {
        var before = record.Document;
        // All new keys first: nothing may have changed when an index refuses one.
        var keys = new List<byte[]>[Indexes.Count];
        for (var i = 1; i < keys.Length; i++) keys[i] = KeysFor(Indexes[i], after, record.Id, record);
        for (var i = 1; i < keys.Length; i++)
        {
            var old = Indexes[i].KeysOf(before, record.Id);
            if (old.SequenceEqual(keys[i], ByteKeys.Instance)) continue;
            Indexes[i].Remove(old);
            Indexes[i].Add(keys[i], record);
        }
        Overwrite(record, after);
        Pending.Put(Id, after);
    }

    public void Delete(Record record)
    {
        Pending.Delete(Id, record.Document.Field("_id"u8));
        Detach(record);
    }

    /// <summary>All documents in natural order as frames of the log, one at a time and with a lock each, so that nobody waits for the whole; changes meanwhile may or may not show.</summary>
    public IEnumerable<ChangeBatch> Contents()
    {
        var frame = new ChangeBatch();
        for (var place = Bound.Start; ; frame.Clear())
        {
            lock (Gate)
                foreach (var (key, record) in Dropped ? [] : Natural.From(place, false))
                {
                    frame.Put(Id, record.Document);
                    place = new Bound(key, true);
                    if (frame.Length >= FrameBytes) break;
                }
            if (frame.IsEmpty) yield break;
            yield return frame;
        }
    }

    public void AddIndex(IndexDefinition definition)
    {
        var index = new OrderedIndex(definition);
        foreach (var record in Records) index.Add(KeysFor(index, record.Document, record.Id, record), record);
        Indexes.Add(index);
    }

    /// <summary>An index that stays empty until <see cref="FillIndexes"/>: while the journal is replayed only the <c>_id</c> index is kept.</summary>
    public void Declare(IndexDefinition definition)
    {
        Indexes.RemoveAll(index => index.Definition.Name == definition.Name);
        Indexes.Add(new OrderedIndex(definition));
    }

    public void FillIndexes()
    {
        foreach (var record in Indexes.Count > 1 ? Records : [])
            foreach (var index in Indexes[1..]) index.Add(index.KeysOf(record.Document, record.Id), record);
    }

    /// <summary>What the journal says was there. Uniqueness was judged when it was written and a snapshot taken under load may differ in between, so it is not judged again.</summary>
    public void Restore(RawValue document)
    {
        if (Find(document) is { } record) Overwrite(record, document);
        else IdIndex.Tree.TryAdd(KeyWriter.Of(document.Field("_id"u8)), Append(document));
    }

    public void RestoreDelete(RawValue document)
    {
        if (Find(document) is { } record) Detach(record);
    }

    /// <summary>The record with the <c>_id</c> that a document has.</summary>
    private Record? Find(RawValue document) => IdIndex.Tree.Find(KeyWriter.Look(document.Field("_id"u8)));

    /// <summary>A new record at the end of the natural order, which no index knows yet.</summary>
    private Record Append(RawValue document)
    {
        var record = new Record(++lastRecordId, document, heap);
        Natural.TryAdd(NaturalKey(record.Id), record);
        DataBytes += document.Length;
        return record;
    }

    private void Overwrite(Record record, RawValue document)
    {
        DataBytes += document.Length - record.Document.Length;
        record.Replace(document);
    }

    private IEnumerable<Record> Records => Natural.From(Bound.Start, false).Select(entry => entry.Record);

    private static byte[] NaturalKey(long recordId)
    {
        var key = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(key, recordId);
        return key;
    }

    private List<byte[]> KeysFor(OrderedIndex index, RawValue document, long recordId, Record? self)
    {
        var keys = index.KeysOf(document, recordId);
        return index.Conflict(document, keys, self) is not { } value ? keys
            : throw MongoRefusal.DuplicateKey(Namespace, index.Definition.Name, index.Definition.Key, value);
    }

    private void Detach(Record record)
    {
        Natural.Remove(NaturalKey(record.Id));
        foreach (var index in Indexes) index.Remove(index.KeysOf(record.Document, record.Id));
        DataBytes -= record.Document.Length;
        record.Remove();
    }
}
