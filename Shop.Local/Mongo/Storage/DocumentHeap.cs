using System.Numerics;

namespace Shop.Local.Mongo.Storage;

/// <summary>
/// Where a collection's documents lie: in places of few sizes within large arrays. As objects of their own they would live long enough for the
/// garbage collector to copy each twice and then be replaced, which costs more than all else that an update does. A place is used again
/// as soon as it is free, so a document is only looked at under its collection's lock; who needs it longer copies it.
/// </summary>
internal sealed class DocumentHeap
{
    private const int SlabBytes = 1024 * 1024;
    private const int LargestPlace = SlabBytes / 16;
    private const int SmallestPlace = 64;
    private const int FirstPlaces = 4;
    private readonly Dictionary<int, Places> sizes = [];

    public (Slab Slab, int Start) Add(ReadOnlySpan<byte> document)
    {
        var size = PlaceFor(document.Length);
        var slab = size > LargestPlace ? new Slab(size, 1) : WithRoom(size);
        var start = slab.Take();
        document.CopyTo(slab.Bytes.AsSpan(start));
        return (slab, start);
    }

    public void Remove(Slab slab, int start)
    {
        if (slab.PlaceSize > LargestPlace) return;
        var open = sizes[slab.PlaceSize].Open;
        if (slab.IsFull) open.Add(slab);
        slab.Free(start);
        // The last one stays: a document that comes and goes should not cost an array each time.
        if (slab.IsEmpty && open.Count > 1) open.Remove(slab);
    }

    /// <summary>Steps of an eighth at most, so that little of a place is left over. A large document has an array of its own.</summary>
    public static int PlaceFor(int length)
    {
        if (length is <= SmallestPlace or > LargestPlace) return Math.Max(length, SmallestPlace);
        var step = (int)BitOperations.RoundUpToPowerOf2((uint)length) / 16;
        return (length + step - 1) / step * step;
    }

    private Slab WithRoom(int size)
    {
        if (!sizes.TryGetValue(size, out var places)) sizes[size] = places = new();
        if (places.Open.Count == 0)
        {
            // As many as there are, so that few documents do not take the memory of many.
            var count = Math.Clamp(places.Count, FirstPlaces, SlabBytes / size);
            places.Count += count;
            places.Open.Add(new Slab(size, count));
        }
        var slab = places.Open[^1];
        if (slab.HasOneLeft) places.Open.RemoveAt(places.Open.Count - 1);
        return slab;
    }

    /// <summary>The slabs of one size that have room, and how many places were ever made.</summary>
    private sealed class Places
    {
        public List<Slab> Open { get; } = [];
        public int Count { get; set; }
    }
}
