using System.Buffers.Binary;
using System.IO.Hashing;

namespace Shop.Local.Mongo.Storage;

internal enum ChangeKind : byte
{
    Create = 1,
    Drop,
    Rename,
    CreateIndex,
    DropIndex,
    Put,
    Delete
}

/// <summary>
/// The changes of one command as one frame of the log: length, XxHash3 of the payload, then changes, each a kind, a collection's number and
/// a document. Collections are numbers because a snapshot and the log after it may see different names.
/// </summary>
internal sealed class ChangeBatch
{
    public const int HeaderBytes = 12;
    private const int FirstBytes = 1024;
    private const int KeptBytes = 4 * 1024 * 1024;
    private byte[] buffer = new byte[FirstBytes];
    private int length = HeaderBytes;
    public int Length => length;
    public bool IsEmpty => length == HeaderBytes;

    public ChangeBatch Create(Collection collection) => Add(ChangeKind.Create, collection.Id,
        new BsonDocument { { "ns", collection.Namespace }, { "uuid", new BsonBinaryData(collection.Uuid, GuidRepresentation.Standard) } }.ToBson());

    public ChangeBatch Drop(int collection) => Add(ChangeKind.Drop, collection, new BsonDocument().ToBson());
    public ChangeBatch Rename(int collection, string name) => Add(ChangeKind.Rename, collection, new BsonDocument("ns", name).ToBson());
    public ChangeBatch CreateIndex(int collection, IndexDefinition definition) => Add(ChangeKind.CreateIndex, collection, definition.Spec.ToBson());
    public ChangeBatch DropIndex(int collection, string name) => Add(ChangeKind.DropIndex, collection, new BsonDocument("name", name).ToBson());
    public ChangeBatch Put(int collection, RawValue document) => Add(ChangeKind.Put, collection, document.Bytes);
    public ChangeBatch Delete(int collection, RawValue id) => Add(ChangeKind.Delete, collection, new BsonDocument("_id", id.ToBson()).ToBson());

    /// <summary>For the next changes, with the memory of the last ones unless that was unusually much.</summary>
    public void Clear()
    {
        length = HeaderBytes;
        if (buffer.Length > KeptBytes) buffer = new byte[FirstBytes];
    }

    /// <summary>The frame, valid until the next change.</summary>
    public ReadOnlySpan<byte> Seal()
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer, length - HeaderBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(buffer.AsSpan(4), Checksum(buffer.AsSpan(HeaderBytes, length - HeaderBytes)));
        return buffer.AsSpan(0, length);
    }

    public static ulong Checksum(ReadOnlySpan<byte> payload) => XxHash3.HashToUInt64(payload);
    /// <summary>The changes of a frame's payload, which its checksum vouches for.</summary>
    public static IEnumerable<(ChangeKind Kind, int Collection, RawValue Document)> Parse(ArraySegment<byte> payload)
    {
        while (payload.Count > 0)
        {
            var collection = BinaryPrimitives.ReadInt32LittleEndian(payload.AsSpan(1));
            var size = BinaryPrimitives.ReadInt32LittleEndian(payload.AsSpan(5));
            yield return ((ChangeKind)payload[0], collection, new RawValue(payload.Array!, payload.Offset + 5, size, BsonType.Document));
            payload = payload[(5 + size)..];
        }
    }

    private ChangeBatch Add(ChangeKind kind, int collection, ReadOnlySpan<byte> document)
    {
        var needed = length + 5 + document.Length;
        if (needed > buffer.Length) Array.Resize(ref buffer, Math.Max(needed, (int)Math.Min(buffer.Length * 2L, Array.MaxLength)));
        buffer[length] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(length + 1), collection);
        document.CopyTo(buffer.AsSpan(length + 5));
        length = needed;
        return this;
    }
}
