using System.Buffers.Binary;
using System.Text;

namespace Shop.Local.Mongo.Documents;

/// <summary>
/// A value where it lies in bytes that <see cref="BsonCheck"/> has passed; nothing is copied or parsed until somebody asks for it. The default
/// is a missing value. It is good for as long as its buffer is: a stored document's for ever, a message's until it is answered.
/// </summary>
internal readonly struct RawValue(byte[] buffer, int start, int length, BsonType type)
{
    public static readonly RawValue Null = new([], 0, 0, BsonType.Null);
    public static readonly RawValue Undefined = new([], 0, 0, BsonType.Undefined);

    public BsonType Type => type;
    public bool IsMissing => type == BsonType.EndOfDocument;
    public bool IsNothing => type is BsonType.EndOfDocument or BsonType.Null or BsonType.Undefined;
    public bool IsDocument => type == BsonType.Document;
    public bool IsArray => type == BsonType.Array;
    public bool IsText => type == BsonType.String;
    public ReadOnlySpan<byte> Bytes => buffer.AsSpan(start, length);
    public int Length => length;

    /// <summary>The value itself, of the type that the name says.</summary>
    public int Int32 => BinaryPrimitives.ReadInt32LittleEndian(Bytes);
    public long Int64 => BinaryPrimitives.ReadInt64LittleEndian(Bytes);
    public double Double => BinaryPrimitives.ReadDoubleLittleEndian(Bytes);
    public Decimal128 Decimal => Decimal128.FromIEEEBits(BinaryPrimitives.ReadUInt64LittleEndian(Bytes[8..]), (ulong)Int64);
    public ReadOnlySpan<byte> TextBytes => Bytes[4..^1];
    public string Text => Encoding.UTF8.GetString(TextBytes);

    public static RawValue Document(byte[] bytes) => new(bytes, 0, bytes.Length, BsonType.Document);

    public static RawValue Of(BsonDocument document) => Document(document.ToBson());

    public static RawValue Of(BsonValue value)
    {
        foreach (var (_, raw) in Of(new BsonDocument("", value))) return raw;
        return default;
    }

    /// <summary>Whether a document or an array has an element, and its first one.</summary>
    public bool TryFirst(out RawElement first)
    {
        var elements = GetEnumerator();
        var found = elements.MoveNext();
        first = found ? elements.Current : default;
        return found;
    }

    /// <summary>A document's field, missing when it is not there.</summary>
    public RawValue Field(ReadOnlySpan<byte> name)
    {
        foreach (var element in this) if (element.Name.SequenceEqual(name)) return element.Value;
        return default;
    }

    /// <summary>An array's element, missing beyond its end.</summary>
    public RawValue At(int index)
    {
        foreach (var (_, element) in this) if (index-- == 0) return element;
        return default;
    }

    /// <summary>An array as the document that it is in BSON, of fields 0, 1, ...</summary>
    public RawValue AsDocument => new(buffer, start, length, BsonType.Document);

    /// <summary>A copy that outlives the buffer.</summary>
    public RawValue Detached() => IsMissing ? this : new(Bytes.ToArray(), 0, length, type);

    /// <param name="only">The fields that are wanted; null for all.</param>
    public BsonDocument ToDocument(IReadOnlySet<string>? only = null)
    {
        var document = new BsonDocument { AllowDuplicateNames = true };
        foreach (var element in this)
            if (FieldPath.Of(element.Name).Text is var name && only?.Contains(name) != false) document.Add(name, element.Value.ToBson());
        return document;
    }

    public BsonArray ToArray()
    {
        var array = new BsonArray();
        foreach (var (_, element) in this) array.Add(element.ToBson());
        return array;
    }

    public BsonValue ToBson() => type switch
    {
        BsonType.Double => Double,
        BsonType.String => Text,
        BsonType.Document => ToDocument(),
        BsonType.Array => ToArray(),
        // The old generic subtype repeats its length.
        BsonType.Binary => new BsonBinaryData(Bytes[(Bytes[4] == 2 ? 9 : 5)..].ToArray(), (BsonBinarySubType)Bytes[4]),
        BsonType.Undefined => BsonUndefined.Value,
        BsonType.ObjectId => new ObjectId(Bytes.ToArray()),
        BsonType.Boolean => BsonBoolean.Create(Bytes[0] != 0),
        BsonType.DateTime => new BsonDateTime(Int64),
        BsonType.Null => BsonNull.Value,
        BsonType.RegularExpression => new BsonRegularExpression(Encoding.UTF8.GetString(Pattern), Encoding.UTF8.GetString(PatternOptions)),
        BsonType.JavaScript => new BsonJavaScript(Text),
        BsonType.Symbol => (BsonSymbol)Text,
        BsonType.JavaScriptWithScope => new BsonJavaScriptWithScope(Code.Text, Scope.ToDocument()),
        BsonType.Int32 => Int32,
        BsonType.Timestamp => new BsonTimestamp(Int64),
        BsonType.Int64 => Int64,
        BsonType.Decimal128 => new BsonDecimal128(Decimal),
        BsonType.MinKey => BsonMinKey.Value,
        BsonType.MaxKey => BsonMaxKey.Value,
        _ => throw new InvalidOperationException("A missing value has no BSON.")
    };

    /// <summary>The parts of a regular expression.</summary>
    public ReadOnlySpan<byte> Pattern => Bytes[..Bytes.IndexOf((byte)0)];
    public ReadOnlySpan<byte> PatternOptions => Bytes[(Bytes.IndexOf((byte)0) + 1)..^1];

    /// <summary>The parts of a JavaScript with scope.</summary>
    public RawValue Code => new(buffer, start + 4, SizeOf(BsonType.String, Bytes[4..]), BsonType.String);
    public RawValue Scope => new(buffer, start + 4 + Code.Length, length - 4 - Code.Length, BsonType.Document);

    public Enumerator GetEnumerator() => type is BsonType.Document or BsonType.Array ? new(buffer, start + 4, start + length - 1) : default;

    private static int SizeOf(BsonType type, ReadOnlySpan<byte> rest) => type switch
    {
        BsonType.Double or BsonType.DateTime or BsonType.Timestamp or BsonType.Int64 => 8,
        BsonType.String or BsonType.JavaScript or BsonType.Symbol => 4 + BinaryPrimitives.ReadInt32LittleEndian(rest),
        BsonType.Document or BsonType.Array or BsonType.JavaScriptWithScope => BinaryPrimitives.ReadInt32LittleEndian(rest),
        BsonType.Binary => 5 + BinaryPrimitives.ReadInt32LittleEndian(rest),
        BsonType.ObjectId => 12,
        BsonType.Boolean => 1,
        BsonType.Int32 => 4,
        BsonType.Decimal128 => 16,
        BsonType.RegularExpression => rest.IndexOf((byte)0) is var pattern ? pattern + 1 + rest[(pattern + 1)..].IndexOf((byte)0) + 1 : 0,
        _ => 0
    };

    /// <summary>Over the elements of a document or an array.</summary>
    public struct Enumerator(byte[] buffer, int position, int end)
    {
        public RawElement Current { get; private set; }

        public bool MoveNext()
        {
            if (position >= end) return false;
            var type = (BsonType)buffer[position];
            var name = position + 1;
            var value = name + buffer.AsSpan(name, end - name).IndexOf((byte)0) + 1;
            position = value + SizeOf(type, buffer.AsSpan(value));
            Current = new RawElement(buffer, name, value, position, type);
            return true;
        }
    }
}

/// <summary>A name and its value, where they lie.</summary>
internal readonly struct RawElement(byte[] buffer, int name, int value, int end, BsonType type)
{
    public ReadOnlySpan<byte> Name => buffer.AsSpan(name, value - 1 - name);
    public string Text => Encoding.UTF8.GetString(Name);
    public RawValue Value => new(buffer, value, end - value, type);
    /// <summary>Whether the name begins with a dollar, as operators' names do.</summary>
    public bool IsOperator => buffer[name] == '$';

    public void Deconstruct(out RawElement whole, out RawValue value) => (whole, value) = (this, Value);
}
