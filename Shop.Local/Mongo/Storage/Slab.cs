using System.Buffers.Binary;

namespace Shop.Local.Mongo.Storage;

/// <summary>An array of equal places. The free ones form a list: each begins with the start of the next.</summary>
internal sealed class Slab(int placeSize, int places)
{
    private const int None = -1;
    private int firstFree = None;
    private int used, untouched;

    public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(placeSize * places);
    public int PlaceSize => placeSize;
    public bool IsEmpty => used == 0;
    public bool IsFull => used == places;
    public bool HasOneLeft => used == places - 1;

    /// <returns>Where the place starts.</returns>
    public int Take()
    {
        used++;
        var start = firstFree;
        if (start == None) return untouched++ * placeSize;
        firstFree = BinaryPrimitives.ReadInt32LittleEndian(Bytes.AsSpan(start));
        return start;
    }

    public void Free(int start)
    {
        used--;
        BinaryPrimitives.WriteInt32LittleEndian(Bytes.AsSpan(start), firstFree);
        firstFree = start;
    }
}
