namespace Shop.Local.Mongo.Storage;

/// <summary>One stored document: an identity that indexes point to, and its BSON, of which no parsed form is kept. Guarded by its collection's lock.</summary>
internal sealed class Record
{
    private readonly DocumentHeap heap;
    private Slab slab;
    private int start, length;

    public Record(long id, RawValue document, DocumentHeap heap)
    {
        (Id, this.heap, length) = (id, heap, document.Length);
        (slab, start) = heap.Add(document.Bytes);
    }

    /// <summary>Grows with insertion: the natural order.</summary>
    public long Id { get; }

    /// <summary>Until it is replaced or removed, and the lock released.</summary>
    public RawValue Document => new(slab.Bytes, start, length, BsonType.Document);

    /// <param name="document">Lies elsewhere.</param>
    public void Replace(RawValue document)
    {
        length = document.Length;
        if (DocumentHeap.PlaceFor(length) == slab.PlaceSize)
            document.Bytes.CopyTo(slab.Bytes.AsSpan(start));
        else
        {
            Remove();
            (slab, start) = heap.Add(document.Bytes);
        }
    }

    public void Remove() => heap.Remove(slab, start);
}
