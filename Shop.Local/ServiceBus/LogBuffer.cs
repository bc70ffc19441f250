using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Shop.Local.ServiceBus;

internal enum LogRecordType : byte
{
    /// <summary>The names behind the numbers in this segment and where each destination's numbering stands.</summary>
    Names = 1,

    /// <summary>A message and the mailboxes that hold it, in whatever state.</summary>
    Message = 2,

    /// <summary>A mailbox's entry: moved, deferred, tried again, overlaid.</summary>
    Entry = 3,

    /// <summary>A mailbox has let go of a message.</summary>
    Removal = 4,

    SessionState = 5,
}

/// <summary>
/// The records of one batch, as they go into a segment: length (4 bytes, of what follows the checksum), checksum (4), type (1), payload;
/// little-endian.
/// </summary>
internal sealed class LogBuffer
{
    public const int HeaderSize = 8;
    private byte[] bytes = new byte[1 << 20];
    private int recordStart;

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Begin(LogRecordType type)
    {
        recordStart = Length;
        Reserve(HeaderSize);
        Byte((byte)type);
    }

    public void End()
    {
        var content = bytes.AsSpan((recordStart + HeaderSize)..Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(recordStart), content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(recordStart + 4), Checksum(content));
    }

    public static uint Checksum(ReadOnlySpan<byte> content) => (uint)XxHash3.HashToUInt64(content, content.Length);

    public void Byte(byte value) => Reserve(1)[0] = value;
    public void Mailbox(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Reserve(2), value);
    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), value);
    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Reserve(8), value);
    public void Time(DateTime value) => Int64(value.Ticks);

    /// <summary>A length, -1 for null, and the bytes.</summary>
    public void Bytes(byte[]? value)
    {
        Int32(value?.Length ?? -1);
        if (value is not null) value.CopyTo(Reserve(value.Length));
    }

    public void Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

    private Span<byte> Reserve(int count)
    {
        if (Length + count > bytes.Length) Array.Resize(ref bytes, Math.Max(bytes.Length * 2, Length + count));
        var span = bytes.AsSpan(Length, count);
        Length += count;
        return span;
    }
}

/// <summary>Reads a record's payload.</summary>
internal ref struct LogReader(ReadOnlySpan<byte> content)
{
    private readonly ReadOnlySpan<byte> content = content;

    public int Position { get; private set; }

    public byte Byte() => Take(1)[0];
    public ushort Mailbox() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));
    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));
    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));
    public DateTime Time() => new(Int64(), DateTimeKind.Utc);
    public byte[]? Bytes() => Int32() is >= 0 and var length ? Take(length).ToArray() : null;
    public string Text() => Encoding.UTF8.GetString(Bytes() ?? []);

    public ReadOnlySpan<byte> Take(int count)
    {
        var span = content.Slice(Position, count);
        Position += count;
        return span;
    }
}
