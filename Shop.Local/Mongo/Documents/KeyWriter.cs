using System.Buffers.Binary;
using System.Text;

namespace Shop.Local.Mongo.Documents;

/// <summary>
/// Writes values as bytes whose unsigned order is MongoDB's order of the values, so that indexes, sorts, groups and equality share
/// one comparer and it is memcmp. Every value ends where its bytes say (no value's bytes are the start of another's), so a
/// compound key is a concatenation, and a descending field is the complement.
/// </summary>
internal sealed class KeyWriter
{
    [ThreadStatic]
    private static KeyWriter? scratch;

    private byte[] buffer = new byte[128];
    private int length;

    /// <summary>What has been written, until something else is.</summary>
    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);

    public static byte[] Of(RawValue value) => Look(value).ToArray();
    public static byte[] Of(BsonValue value) => value is BsonString { Value: var text } && !text.Contains('\0', StringComparison.Ordinal)
        ? [TypeOrder.Of(BsonType.String), .. Encoding.UTF8.GetBytes(text), 0, 0] : Of(RawValue.Of(value));

    /// <summary>A key that is only looked at; this thread's next look overwrites it.</summary>
    public static ReadOnlySpan<byte> Look(RawValue value) => (scratch ??= new()).Clear().Write(value, false).Written;

    public byte[] ToArray() => Written.ToArray();

    public KeyWriter Clear()
    {
        length = 0;
        return this;
    }

    public KeyWriter Write(RawValue value, bool descending)
    {
        var start = length;
        Value(value);
        return descending ? Complement(start) : this;
    }

    public KeyWriter WriteRecordId(long recordId)
    {
        BinaryPrimitives.WriteInt64BigEndian(Reserve(8), recordId);
        return this;
    }

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    public void Byte(byte value) => Reserve(1)[0] = value;

    public Span<byte> Reserve(int count)
    {
        if (length + count > buffer.Length) Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + count));
        length += count;
        return buffer.AsSpan(length - count, count);
    }

    private KeyWriter Complement(int start)
    {
        foreach (ref var value in buffer.AsSpan(start, length - start)) value = (byte)~value;
        return this;
    }

    private void Value(RawValue value)
    {
        Byte(TypeOrder.Of(value.Type));
        switch (value.Type)
        {
            case BsonType.Int32 or BsonType.Int64 or BsonType.Double or BsonType.Decimal128: NumberKey.Write(this, value); break;
            case BsonType.String or BsonType.Symbol or BsonType.JavaScript: Text(value.TextBytes); break;
            case BsonType.Document: Document(value); break;
            case BsonType.Array:
                foreach (var (_, element) in value) Value(element);
                Byte(0);
                break;
            case BsonType.Binary:
                BinaryPrimitives.WriteInt32BigEndian(Reserve(4), value.Length - 5);
                Raw(value.Bytes[4..]);
                break;
            case BsonType.ObjectId or BsonType.Boolean: Raw(value.Bytes); break;
            case BsonType.DateTime: BinaryPrimitives.WriteInt64BigEndian(Reserve(8), value.Int64 ^ long.MinValue); break;
            case BsonType.Timestamp: BinaryPrimitives.WriteInt64BigEndian(Reserve(8), value.Int64); break;
            case BsonType.RegularExpression:
                Text(value.Pattern);
                Text(value.PatternOptions);
                break;
            case BsonType.JavaScriptWithScope:
                Text(value.Code.TextBytes);
                Document(value.Scope);
                break;
        }
    }

    private void Document(RawValue document)
    {
        foreach (var (element, value) in document)
        {
            // MongoDB compares the type first, then the field's name, then the value.
            Byte(TypeOrder.Of(value.Type));
            Text(element.Name);
            Value(value);
        }
        Byte(0);
    }

    /// <summary>UTF-8 with 0 written as 0 255 and ended by 0 0, which keeps the order of the bytes.</summary>
    private void Text(ReadOnlySpan<byte> text)
    {
        for (var zero = text.IndexOf((byte)0); zero >= 0; zero = text.IndexOf((byte)0))
        {
            Raw(text[..(zero + 1)]);
            Byte(255);
            text = text[(zero + 1)..];
        }
        Raw(text);
        Byte(0);
        Byte(0);
    }
}
