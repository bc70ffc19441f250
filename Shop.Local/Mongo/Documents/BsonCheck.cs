using System.Buffers.Binary;
using System.Text.Unicode;

namespace Shop.Local.Mongo.Documents;

/// <summary>
/// Judges bytes from outside before anything parses them: lengths, terminators, UTF-8, known types and nesting.
/// What passes can be read without a further check; the recursion is bounded by <see cref="MaxDepth"/>.
/// </summary>
internal static class BsonCheck
{
    /// <summary>MongoDB's limit of a stored document in bytes.</summary>
    public const int MaxDocumentBytes = 16 * 1024 * 1024;
    /// <summary>MongoDB allows 100 levels to its users and 180 within the server; commands wrap documents in a few.</summary>
    public const int MaxDepth = 120;
    public static bool IsDocument(ReadOnlySpan<byte> bytes) => Document(bytes, 1);

    private static bool Document(ReadOnlySpan<byte> bytes, int depth)
    {
        if (depth > MaxDepth || bytes.Length < 5 || BinaryPrimitives.ReadInt32LittleEndian(bytes) != bytes.Length || bytes[^1] != 0)
            return false;
        var rest = bytes[4..^1];
        while (!rest.IsEmpty)
        {
            var type = rest[0];
            rest = rest[1..];
            var nameSize = CString(rest);
            if (nameSize < 0) return false;
            rest = rest[nameSize..];
            var size = ValueSize(type, rest, depth);
            if (size < 0 || size > rest.Length) return false;
            rest = rest[size..];
        }
        return true;
    }

    /// <summary>The bytes a value takes, or -1 when it is malformed. A fixed size may exceed what is there; the caller looks.</summary>
    private static int ValueSize(byte type, ReadOnlySpan<byte> rest, int depth) => type switch
    {
        0x01 or 0x09 or 0x11 or 0x12 => 8,
        0x02 or 0x0D or 0x0E => Text(rest),
        0x03 or 0x04 => Nested(rest, depth),
        0x05 => Binary(rest),
        0x06 or 0x0A or 0xFF or 0x7F => 0,
        0x07 => 12,
        0x08 => !rest.IsEmpty && rest[0] <= 1 ? 1 : -1,
        0x0B => TwoCStrings(rest),
        0x0F => CodeWithScope(rest, depth),
        0x10 => 4,
        0x13 => 16,
        _ => -1
    };

    private static int CString(ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOf((byte)0);
        return end >= 0 && Utf8.IsValid(rest[..end]) ? end + 1 : -1;
    }

    private static int TwoCStrings(ReadOnlySpan<byte> rest)
    {
        var first = CString(rest);
        var second = first < 0 ? -1 : CString(rest[first..]);
        return second < 0 ? -1 : first + second;
    }

    private static int Text(ReadOnlySpan<byte> rest)
    {
        if (!Length(rest, out var length) || length < 1 || length > rest.Length - 4) return -1;
        var text = rest.Slice(4, length);
        return text[^1] == 0 && Utf8.IsValid(text[..^1]) ? 4 + length : -1;
    }

    private static int Nested(ReadOnlySpan<byte> rest, int depth) =>
        Length(rest, out var length) && length >= 5 && length <= rest.Length && Document(rest[..length], depth + 1) ? length : -1;

    private static int Binary(ReadOnlySpan<byte> rest)
    {
        if (!Length(rest, out var length) || length < 0 || length > rest.Length - 5) return -1;
        var wellFormed = rest[4] switch
        {
            0x02 => length >= 4 && BinaryPrimitives.ReadInt32LittleEndian(rest[5..]) == length - 4,
            0x03 or 0x04 => length == 16,
            _ => true
        };
        return wellFormed ? 5 + length : -1;
    }

    private static int CodeWithScope(ReadOnlySpan<byte> rest, int depth)
    {
        if (!Length(rest, out var length) || length < 14 || length > rest.Length) return -1;
        var inner = rest[4..length];
        var code = Text(inner);
        return code > 0 && Nested(inner[code..], depth) == inner.Length - code ? length : -1;
    }

    private static bool Length(ReadOnlySpan<byte> rest, out int length) => BinaryPrimitives.TryReadInt32LittleEndian(rest, out length);
}
