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
    private readonly List<Leaf> leaves = [new([])];

    public int Count { get; private set; }

    /// <summary>False, and nothing changed, when the key is there.</summary>
    public bool TryAdd(byte[] key, Record record)
    {
        var place = LeafFor(key);
        var entries = leaves[place].Entries;
        var index = FirstBehind(entries, key);
        if (IsAt(entries, index, key)) return false;
        if (entries.Count == LeafCapacity)
        {
            // Ascending inserts leave full leaves behind instead of half-empty ones.
            var kept = index == LeafCapacity ? LeafCapacity : LeafCapacity / 2;
            var moved = entries.Slice(kept, LeafCapacity - kept);
            entries.RemoveRange(kept, moved.Count);
            leaves.Insert(place + 1, new(moved is [var (first, _), ..] ? first : key) { Entries = moved });
            // Between the two halves it belongs to the lower one, as the upper one's fence is above it.
            if (index > kept || moved.Count == 0) (entries, index) = (moved, index - kept);
        }
        entries.Insert(index, (key, record));
        Count++;
        return true;
    }

    public bool Remove(ReadOnlySpan<byte> key)
    {
        var place = LeafFor(key);
        var entries = leaves[place].Entries;
        var index = FirstBehind(entries, key);
        if (!IsAt(entries, index, key)) return false;
        entries.RemoveAt(index);
        if (entries.Count == 0 && place > 0) leaves.RemoveAt(place);
        Count--;
        return true;
    }

    public Record? Find(ReadOnlySpan<byte> key)
    {
        var entries = leaves[LeafFor(key)].Entries;
        var index = FirstBehind(entries, key);
        return IsAt(entries, index, key) ? entries[index].Record : null;
    }

    /// <summary>From a place onwards, or backwards from it; ends when the consumer stops or the tree does. The tree must not change meanwhile.</summary>
    public IEnumerable<(byte[] Key, Record Record)> From(Bound from, bool backward)
    {
        var place = LeafFor(from.Bytes, from.After);
        var index = FirstBehind(leaves[place].Entries, from.Bytes, from.After);
        if (backward)
        {
            for (; place >= 0; place--, index = place < 0 ? 0 : leaves[place].Entries.Count)
                while (index-- > 0) yield return leaves[place].Entries[index];
            yield break;
        }
        for (; place < leaves.Count; place++, index = 0)
            for (; index < leaves[place].Entries.Count; index++) yield return leaves[place].Entries[index];
    }

    /// <summary>The last leaf that begins before a place; the first one begins before everything.</summary>
    private int LeafFor(ReadOnlySpan<byte> bytes, bool after = true)
    {
        var span = CollectionsMarshal.AsSpan(leaves);
        int low = 1, high = span.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (IsBefore(span[middle].Fence, bytes, after)) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }

    private static int FirstBehind(List<(byte[] Key, Record Record)> entries, ReadOnlySpan<byte> bytes, bool after = false)
    {
        var span = CollectionsMarshal.AsSpan(entries);
        int low = 0, high = span.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (IsBefore(span[middle].Key, bytes, after)) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private static bool IsBefore(ReadOnlySpan<byte> key, ReadOnlySpan<byte> bytes, bool after) => key.SequenceCompareTo(bytes) < 0 || after && key.StartsWith(bytes);

    private static bool IsAt(List<(byte[] Key, Record Record)> entries, int index, ReadOnlySpan<byte> key) => index < entries.Count && key.SequenceEqual(entries[index].Key);

    /// <summary>No key of a leaf is below its fence; it stays where it is when the first key goes.</summary>
    private readonly record struct Leaf(byte[] Fence)
    {
        public List<(byte[] Key, Record Record)> Entries { get; init; } = [];
    }
}
