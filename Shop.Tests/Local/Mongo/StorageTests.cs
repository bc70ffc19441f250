using CsCheck;
using Shop.Local.Mongo.Documents;
using Shop.Local.Mongo.Storage;
using Record = Shop.Local.Mongo.Storage.Record;

namespace Shop.Tests.Local.Mongo;

/// <summary>The structures that hold records and documents, against what .NET has for the same.</summary>
public sealed class StorageTests
{
    private const int Keys = 4_000;

    [Fact]
    public void An_index_walks_from_everywhere_in_both_directions_as_a_sorted_map_does() => Gen.Int[0, 3].Select(Gen.Int[0, Keys - 1]).Array[0, 8_000].Sample(steps =>
    {
        var heap = new DocumentHeap();
        var tree = new BPlusTree();
        var model = new SortedDictionary<int, Record>();
        foreach (var (kind, key) in steps)
        {
            var record = new Record(key, RawValue.Of(new MongoDB.Bson.BsonDocument()), heap);
            if (kind > 0) Assert.Equal(model.TryAdd(key, record), tree.TryAdd(KeyOf(key), record));
            else Assert.Equal(model.Remove(key), tree.Remove(KeyOf(key)));
        }

        Assert.Equal(model.Count, tree.Count);
        for (var key = 0; key < Keys; key++) Assert.Same(model.GetValueOrDefault(key), tree.Find(KeyOf(key)));
        for (var from = -1; from <= Keys; from += 401)
            foreach (var after in new[] { false, true })
            {
                var place = from < 0 ? new Bound([], after) : new Bound(KeyOf(from), after);
                var ahead = model.Where(entry => from < 0 ? !after : entry.Key > from || entry.Key == from && !after).Select(entry => entry.Value).ToList();
                Assert.Equal(ahead, tree.From(place, false).Select(entry => entry.Record));
                Assert.Equal(model.Values.Except(ahead).Reverse(), tree.From(place, true).Select(entry => entry.Record));
            }
    }, iter: 20);

    [Fact]
    public void Documents_keep_their_bytes_while_others_are_replaced_and_removed_around_them() => Gen.Int[0, 3].Select(Gen.Int[0, 63], Gen.Int[5, 90_000]).Array[0, 400].Sample(steps =>
    {
        var heap = new DocumentHeap();
        var records = new Dictionary<int, (Record Record, byte[] Bytes)>();
        foreach (var (kind, number, length) in steps)
        {
            // Small ones mostly, which share their places' sizes.
            var bytes = new byte[kind == 3 ? length : 5 + length % 200];
            Array.Fill(bytes, (byte)(number + length));
            var known = records.TryGetValue(number, out var entry);
            if (!known) records[number] = (new Record(number, RawValue.Document(bytes), heap), bytes);
            else if (kind == 0)
            {
                entry.Record.Remove();
                records.Remove(number);
            }
            else
            {
                entry.Record.Replace(RawValue.Document(bytes));
                records[number] = (entry.Record, bytes);
            }
        }

        foreach (var (record, bytes) in records.Values) Assert.True(record.Document.Bytes.SequenceEqual(bytes));
    }, iter: 100);

    private static byte[] KeyOf(int key) => KeyWriter.Of((MongoDB.Bson.BsonValue)key);
}
