using System.Buffers.Binary;

namespace Shop.Local.Mongo.Storage;

/// <summary>
/// The records of one namespace and their indexes. Every member but the identity is read and written under <see cref="Gate"/>; a change
/// is applied to all indexes or, when one refuses it, to none, and goes into the caller's batch for the journal.
/// </summary>
internal sealed class Collection(int id, string name, Guid uuid)
{
    private const int PieceSize = 200;
    private long lastRecordId;
    public Lock Gate { get; } = new();
    public int Id { get; } = id;
    public string Namespace { get; set; } = name;
    public Guid Uuid { get; } = uuid;
    public bool Dropped { get; set; }
    public List<OrderedIndex> Indexes { get; } = [new OrderedIndex(IndexDefinition.Id)];
    public OrderedIndex IdIndex => Indexes[0];
    public BPlusTree Natural { get; } = new();
    public int Count => Natural.Count;
    public long DataBytes { get; private set; }

    public void Insert(byte[] bytes, ChangeBatch batch)
    {
        var record = new Record(++lastRecordId, bytes);
        var keys = Indexes.ConvertAll(index => KeysFor(index, record));
        Natural.TryAdd(NaturalKey(record.Id), record);
        for (var i = 0; i < keys.Count; i++) Indexes[i].Add(keys[i], record);
        DataBytes += bytes.Length;
        batch.Put(Id, bytes);
    }

    /// <summary>The <c>_id</c> is the same.</summary>
    public void Replace(Record record, byte[] bytes, ChangeBatch batch)
    {
        var (before, after) = (record.Document, RawValue.Document(bytes));
        // All new keys first: nothing may have changed when an index refuses one.
        var keys = new List<byte[]>[Indexes.Count];
        for (var i = 1; i < keys.Length; i++) keys[i] = KeysFor(Indexes[i], record, after);
        for (var i = 1; i < keys.Length; i++)
        {
            var old = Indexes[i].KeysOf(before, record.Id);
            if (old.SequenceEqual(keys[i], ByteKeys.Instance)) continue;
            Indexes[i].Remove(old);
            Indexes[i].Add(keys[i], record);
        }
        DataBytes += bytes.Length - record.Bytes.Length;
        record.Bytes = bytes;
        batch.Put(Id, bytes);
    }

    public void Delete(Record record, ChangeBatch batch)
    {
        Detach(record);
        batch.Delete(Id, record.Document.Field("_id"u8));
    }

    /// <summary>The documents as they stood, in natural order, fetched a few at a time so that nobody waits for the whole; changes meanwhile may or may not show.</summary>
    public IEnumerable<byte[]> Documents()
    {
        KeyValuePair<byte[], byte[]>[] piece;
        for (var place = Bound.Start; ; place = new Bound(piece[^1].Key, true))
        {
            lock (Gate)
                piece = Dropped ? [] : [.. Natural.From(place, false).Take(PieceSize).Select(entry => KeyValuePair.Create(entry.Key, entry.Record.Bytes))];
            if (piece.Length == 0) yield break;
            foreach (var (_, bytes) in piece) yield return bytes;
        }
    }

    public void AddIndex(IndexDefinition definition)
    {
        var index = new OrderedIndex(definition);
        index.Build(Records);
        if (index.FirstDuplicate() is { } value) throw MongoRefusal.DuplicateKey(Namespace, definition.Name, definition.Key, value);
        Indexes.Add(index);
    }

    /// <summary>An index that stays empty until <see cref="FillIndexes"/>: while the journal is replayed only the <c>_id</c> index is kept.</summary>
    public void Declare(IndexDefinition definition)
    {
        Indexes.RemoveAll(index => index.Definition.Name == definition.Name);
        Indexes.Add(new OrderedIndex(definition));
    }

    public void FillIndexes() => Indexes[1..].ForEach(index => index.Build(Records));

    /// <summary>What the journal says was there. Uniqueness was judged when it was written and a snapshot taken under load may differ in between, so it is not judged again.</summary>
    public void Restore(byte[] bytes)
    {
        if (Find(bytes) is { } record)
        {
            DataBytes += bytes.Length - record.Bytes.Length;
            record.Bytes = bytes;
            return;
        }
        record = new Record(++lastRecordId, bytes);
        Natural.TryAdd(NaturalKey(record.Id), record);
        IdIndex.Tree.TryAdd(KeyWriter.Of(record.Document.Field("_id"u8)), record);
        DataBytes += bytes.Length;
    }

    public void RestoreDelete(byte[] document)
    {
        if (Find(document) is { } record) Detach(record);
    }

    /// <summary>The record with the <c>_id</c> that a document has.</summary>
    private Record? Find(byte[] document) => IdIndex.Tree.Find(KeyWriter.Look(RawValue.Document(document).Field("_id"u8)));

    private IEnumerable<Record> Records => Natural.From(Bound.Start, false).Select(entry => entry.Record);

    private static byte[] NaturalKey(long recordId)
    {
        var key = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(key, recordId);
        return key;
    }

    private List<byte[]> KeysFor(OrderedIndex index, Record record, RawValue? replacement = null)
    {
        var document = replacement ?? record.Document;
        var keys = index.KeysOf(document, record.Id);
        return index.Conflict(document, keys, record) is not { } value ? keys
            : throw MongoRefusal.DuplicateKey(Namespace, index.Definition.Name, index.Definition.Key, value);
    }

    private void Detach(Record record)
    {
        Natural.Remove(NaturalKey(record.Id));
        foreach (var index in Indexes) index.Remove(index.KeysOf(record.Document, record.Id));
        DataBytes -= record.Bytes.Length;
    }
}
