using System.Buffers.Binary;

namespace Shop.Local.Mongo.Storage;

/// <summary>
/// The records of one namespace and their indexes. Every member but the identity is read and written under <see cref="Gate"/>; a change
/// is applied to all indexes or, when one refuses it, to none, and goes into the caller's batch for the journal.
/// </summary>
internal sealed class Collection(int id, string name, Guid uuid)
{
    private readonly BPlusTree natural = new();
    private long lastRecordId;
    public Lock Gate { get; } = new();
    public int Id { get; } = id;
    public string Namespace { get; set; } = name;
    public Guid Uuid { get; } = uuid;
    public bool Dropped { get; set; }
    public List<OrderedIndex> Indexes { get; } = [new OrderedIndex(IndexDefinition.Id)];
    public OrderedIndex IdIndex => Indexes[0];
    public BPlusTree Natural => natural;
    public int Count => natural.Count;
    public long DataBytes { get; private set; }

    public Record Insert(BsonDocument document, byte[] bytes, ChangeBatch batch)
    {
        var record = new Record(++lastRecordId, bytes);
        var keys = KeysFor(document, null);
        Attach(record, keys);
        batch.Put(Id, bytes);
        return record;
    }

    public void Replace(Record record, BsonDocument document, byte[] bytes, ChangeBatch batch)
    {
        var before = Bson.View(record.Bytes);
        var after = KeysFor(document, record);
        for (var i = 1; i < Indexes.Count; i++)
        {
            var old = Indexes[i].KeysOf(before);
            if (old.Count == after[i].Count && old.Zip(after[i]).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second))) continue;
            Indexes[i].Remove(old, record);
            Indexes[i].Add(after[i], record);
        }
        DataBytes += bytes.Length - record.Bytes.Length;
        record.Bytes = bytes;
        batch.Put(Id, bytes);
    }

    public void Delete(Record record, ChangeBatch batch)
    {
        var document = Bson.View(record.Bytes);
        Detach(record, document);
        batch.Delete(Id, new BsonDocument("_id", document["_id"]));
    }

    /// <summary>The records as they stood, in natural order, fetched a few at a time so that nobody waits for the whole; changes meanwhile may or may not show.</summary>
    public IEnumerable<Record[]> InPieces(int size)
    {
        var place = Bound.Start;
        while (true)
        {
            Record[] piece;
            lock (Gate)
                piece = Dropped ? [] : [.. natural.From(place, false).Take(size).Select(entry => entry.Record)];
            if (piece.Length == 0) yield break;
            yield return piece;
            place = new Bound(NaturalKey(piece[^1].Id), true);
        }
    }

    public OrderedIndex AddIndex(IndexDefinition definition)
    {
        var index = new OrderedIndex(definition);
        index.Build(natural.From(Bound.Start, false).Select(entry => entry.Record));
        if (index.FirstDuplicate() is { } value) throw MongoRefusal.DuplicateKey(Namespace, definition.Name, definition.Key, value);
        Indexes.Add(index);
        return index;
    }

    /// <summary>What the journal says was there. Uniqueness was judged when it was written and a snapshot taken under load may differ in between, so it is not judged again.</summary>
    public void Restore(byte[] bytes)
    {
        var key = KeyWriter.Of(Bson.IdOf(bytes));
        if (IdIndex.Tree.Find(key) is { } record)
        {
            DataBytes += bytes.Length - record.Bytes.Length;
            record.Bytes = bytes;
            return;
        }
        record = new Record(++lastRecordId, bytes);
        natural.TryAdd(NaturalKey(record.Id), record);
        IdIndex.Tree.TryAdd(key, record);
        DataBytes += bytes.Length;
    }

    public void RestoreDelete(byte[] idDocument)
    {
        if (IdIndex.Tree.Find(KeyWriter.Of(Bson.IdOf(idDocument))) is { } record) Detach(record, Bson.View(record.Bytes));
    }

    private static byte[] NaturalKey(long recordId)
    {
        var key = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(key, recordId);
        return key;
    }

    private List<byte[]>[] KeysFor(BsonDocument document, Record? self)
    {
        var keys = new List<byte[]>[Indexes.Count];
        // A replacement keeps its _id, so that index has nothing to say.
        for (var i = self is null ? 0 : 1; i < keys.Length; i++)
        {
            var index = Indexes[i];
            keys[i] = index.KeysOf(document);
            if (index.Conflict(document, keys[i], self) is { } value)
                throw MongoRefusal.DuplicateKey(Namespace, index.Definition.Name, index.Definition.Key, value);
        }
        return keys;
    }

    private void Attach(Record record, List<byte[]>[] keys)
    {
        natural.TryAdd(NaturalKey(record.Id), record);
        for (var i = 0; i < keys.Length; i++) Indexes[i].Add(keys[i], record);
        DataBytes += record.Bytes.Length;
    }

    private void Detach(Record record, BsonDocument document)
    {
        natural.Remove(NaturalKey(record.Id));
        foreach (var index in Indexes) index.Remove(index.KeysOf(document), record);
        DataBytes -= record.Bytes.Length;
    }
}
