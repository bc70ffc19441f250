using System.Runtime.InteropServices;

namespace Shop.Local.Mongo.Storage;

/// <summary>A place between keys: before the first key that begins with the bytes, or after the last one.</summary>
internal readonly record struct Bound(byte[] Bytes, bool After)
{
    public static readonly Bound Start = new([], false);
    public static readonly Bound End = new([], true);

    /// <summary>Whether a key lies behind this place.</summary>
    public bool Precedes(ReadOnlySpan<byte> key) => !(After && key.StartsWith(Bytes)) && key.SequenceCompareTo(Bytes) >= 0;
}

/// <summary>
/// An ordered map from keys, compared as unsigned bytes and none the beginning of another, to records: a B+ tree of two levels, whose root has as many leaves as it takes
/// (some six thousand for a million records, which a new one moves in microseconds). Emptied leaves go, sparse ones stay, which costs memory after
/// mass deletes until the next start and never order. Not thread-safe.
/// </summary>
internal sealed class BPlusTree
{
    private const int LeafCapacity = 256;

    /// <summary>No key of a leaf is below its fence, which stays when the first key goes. Below the first fence is nothing.</summary>
    private readonly List<byte[]> fences = [[]];
    private readonly List<Leaf> leaves = [new([], [])];

    public int Count { get; private set; }

    /// <summary>False, and nothing changed, when the key is there.</summary>
    public bool TryAdd(byte[] key, Record record)
    {
        var place = LeafFor(key, true);
        var leaf = leaves[place];
        var index = FirstBehind(leaf.Keys, key, false);
        if (leaf.HasAt(index, key)) return false;
        if (leaf.Keys.Count == LeafCapacity)
        {
            // Ascending inserts leave full leaves behind instead of half-empty ones.
            var kept = index == LeafCapacity ? LeafCapacity : LeafCapacity / 2;
            var upper = leaf.SplitAt(kept);
            fences.Insert(place + 1, upper.Keys is [var first, ..] ? first : key);
            leaves.Insert(place + 1, upper);
            // Between the two halves it belongs to the lower one: it is below the upper one's fence.
            if (index > kept || upper.Keys.Count == 0) (leaf, index) = (upper, index - kept);
        }
        leaf.Keys.Insert(index, key);
        leaf.Records.Insert(index, record);
        Count++;
        return true;
    }

    public bool Remove(ReadOnlySpan<byte> key)
    {
        var place = LeafFor(key, true);
        var leaf = leaves[place];
        var index = FirstBehind(leaf.Keys, key, false);
        if (!leaf.HasAt(index, key)) return false;
        leaf.Keys.RemoveAt(index);
        leaf.Records.RemoveAt(index);
        Count--;
        if (leaf.Keys.Count > 0 || place == 0) return true;
        fences.RemoveAt(place);
        leaves.RemoveAt(place);
        return true;
    }

    public Record? Find(ReadOnlySpan<byte> key)
    {
        var leaf = leaves[LeafFor(key, true)];
        var index = FirstBehind(leaf.Keys, key, false);
        return leaf.HasAt(index, key) ? leaf.Records[index] : null;
    }

    /// <summary>From a place onwards, or backwards from it; ends when the consumer stops or the tree does. The tree must not change meanwhile.</summary>
    public IEnumerable<(byte[] Key, Record Record)> From(Bound place, bool backward)
    {
        var first = LeafFor(place.Bytes, place.After);
        var index = FirstBehind(leaves[first].Keys, place.Bytes, place.After);
        return backward ? Backward(first, index) : Forward(first, index);
    }

    private IEnumerable<(byte[] Key, Record Record)> Forward(int first, int index)
    {
        for (var place = first; place < leaves.Count; place++, index = 0)
            for (var leaf = leaves[place]; index < leaf.Keys.Count; index++) yield return (leaf.Keys[index], leaf.Records[index]);
    }

    private IEnumerable<(byte[] Key, Record Record)> Backward(int last, int end)
    {
        for (var place = last; place >= 0; place--)
        {
            var leaf = leaves[place];
            for (var index = (place == last ? end : leaf.Keys.Count) - 1; index >= 0; index--) yield return (leaf.Keys[index], leaf.Records[index]);
        }
    }

    /// <summary>The last leaf whose fence is before a place. No key begins another, so the place after a key is that of the key itself.</summary>
    private int LeafFor(ReadOnlySpan<byte> bytes, bool after) => Math.Max(FirstBehind(fences, bytes, after) - 1, 0);

    private static int FirstBehind(List<byte[]> list, ReadOnlySpan<byte> bytes, bool after)
    {
        var keys = CollectionsMarshal.AsSpan(list);
        int low = 0, high = keys.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            var key = keys[middle].AsSpan();
            if (key.SequenceCompareTo(bytes) < 0 || after && key.StartsWith(bytes)) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private sealed record Leaf(List<byte[]> Keys, List<Record> Records)
    {
        public bool HasAt(int index, ReadOnlySpan<byte> key) => index < Keys.Count && key.SequenceEqual(Keys[index]);

        public Leaf SplitAt(int kept)
        {
            var upper = new Leaf(Keys[kept..], Records[kept..]);
            Keys.RemoveRange(kept, upper.Keys.Count);
            Records.RemoveRange(kept, upper.Keys.Count);
            return upper;
        }
    }
}
