namespace Shop.Local.Mongo.Storage;

/// <summary>
/// One stored document: an identity that indexes point to, and its BSON, an array that is never changed, only replaced under the
/// collection's lock. No parsed form is kept.
/// </summary>
internal sealed class Record(long id, byte[] bytes)
{
    /// <summary>Grows with insertion: the natural order.</summary>
    public long Id { get; } = id;
    public byte[] Bytes { get; set; } = bytes;
    public RawValue Document => RawValue.Document(Bytes);
}
