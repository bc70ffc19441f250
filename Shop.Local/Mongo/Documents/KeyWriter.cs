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
    private byte[] buffer = new byte[64];
    private int length;

    public KeyWriter Clear()
    {
        length = 0;
        return this;
    }

    public byte[] ToArray() => buffer.AsSpan(0, length).ToArray();
    public static byte[] Of(BsonValue value) => new KeyWriter().Write(value, false).ToArray();

    public KeyWriter Write(BsonValue value, bool descending)
    {
        var start = length;
        Value(value);
        return Complement(start, descending);
    }

    public KeyWriter WriteRecordId(long recordId)
    {
        BinaryPrimitives.WriteInt64BigEndian(Reserve(8), recordId);
        return this;
    }

    public KeyWriter WriteRaw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        return this;
    }

    public void Byte(byte value) => Reserve(1)[0] = value;

    public Span<byte> Reserve(int count)
    {
        if (length + count > buffer.Length) Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + count));
        length += count;
        return buffer.AsSpan(length - count, count);
    }

    private KeyWriter Complement(int start, bool wanted)
    {
        for (var i = start; wanted && i < length; i++) buffer[i] = (byte)~buffer[i];
        return this;
    }

    private void Value(BsonValue value)
    {
        Byte(TypeOrder.Of(value));
        switch (value)
        {
            case BsonInt32 or BsonInt64 or BsonDouble or BsonDecimal128: NumberKey.Write(this, value); break;
            case BsonString text: Text(text.Value); break;
            case BsonSymbol symbol: Text(symbol.Name); break;
            case BsonDocument document: Document(document); break;
            case BsonArray array:
                foreach (var element in array) Value(element);
                Byte(0);
                break;
            case BsonBinaryData binary: Binary(binary); break;
            case BsonObjectId id: WriteRaw(id.Value.ToByteArray()); break;
            case BsonBoolean boolean: Byte(boolean.Value ? (byte)1 : (byte)0); break;
            case BsonDateTime date: Signed(date.MillisecondsSinceEpoch); break;
            case BsonTimestamp timestamp: BinaryPrimitives.WriteUInt64BigEndian(Reserve(8), (ulong)timestamp.Value); break;
            case BsonRegularExpression regex: Text(regex.Pattern); Text(regex.Options); break;
            case BsonJavaScriptWithScope scoped: Text(scoped.Code); Document(scoped.Scope); break;
            case BsonJavaScript script: Text(script.Code); break;
        }
    }

    private void Document(BsonDocument document)
    {
        foreach (var element in document)
        {
            // MongoDB compares the type first, then the field's name, then the value.
            Byte(TypeOrder.Of(element.Value));
            Text(element.Name);
            Value(element.Value);
        }
        Byte(0);
    }

    private void Binary(BsonBinaryData binary)
    {
        BinaryPrimitives.WriteInt32BigEndian(Reserve(4), binary.Bytes.Length);
        Byte((byte)binary.SubType);
        WriteRaw(binary.Bytes);
    }

    private void Signed(long value) => BinaryPrimitives.WriteUInt64BigEndian(Reserve(8), (ulong)value ^ (1UL << 63));
    /// <summary>UTF-8 with 0 written as 0 255 and ended by 0 0, which keeps the order of the bytes.</summary>
    private void Text(string text)
    {
        var start = length;
        Encoding.UTF8.GetBytes(text, Reserve(Encoding.UTF8.GetByteCount(text)));
        if (buffer.AsSpan(start, length - start).Contains((byte)0))
        {
            var plain = buffer.AsSpan(start, length - start).ToArray();
            length = start;
            foreach (var value in plain)
            {
                Byte(value);
                if (value == 0) Byte(255);
            }
        }
        Byte(0);
        Byte(0);
    }
}
