using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using MongoDB.Bson;
using Shop.Queries.Http;

namespace Shop.Queries.Orders;

/// <summary>
/// A stored order's bytes as JSON: what <see cref="ViewJson"/> makes of the document, without making the document, because this is done for every
/// query. It writes the fields that it knows in the types that it knows and skips the others.
/// </summary>
internal static class OrderJson
{
    private const string Items = "items";
    private static readonly Field[] fields =
    [
        new("_id", BsonType.String), new("version", BsonType.Int32), new("customerId", BsonType.String), new("customerName", BsonType.String),
        new("customerVersion", BsonType.Int32) { IsNameVersion = true }, new("orderDate", BsonType.DateTime), new("totalAmount", BsonType.Decimal128),
        new("status", BsonType.String), new("paidAt", BsonType.DateTime), new("shippedAt", BsonType.DateTime), new("cancelledAt", BsonType.DateTime),
        new(Items, BsonType.Array),
    ];

    private static readonly Field[] lineFields =
    [
        new("productId", BsonType.String), new("productName", BsonType.String), new("productVersion", BsonType.Int32) { IsNameVersion = true },
        new("quantity", BsonType.Int32), new("price", BsonType.Decimal128),
    ];

    /// <exception cref="FormatException">The document has none.</exception>
    public static string IdOf(ReadOnlySpan<byte> bson)
    {
        var elements = new Elements(bson);
        while (elements.MoveNext())
            if (elements.Type == BsonType.String && elements.Name.SequenceEqual("_id"u8)) return Encoding.UTF8.GetString(elements.Value[sizeof(int)..^1]);
        throw new FormatException("An order without an identifier.");
    }

    /// <summary>False when a field has another type than it is written with: then nobody should use what was written.</summary>
    /// <param name="writer">Takes the JSON.</param>
    /// <param name="bson">The whole document.</param>
    /// <param name="nameVersions">Gets the versions of the names in it, the customer's first.</param>
    /// <param name="version">The order's version.</param>
    public static bool TryWrite(Utf8JsonWriter writer, ReadOnlySpan<byte> bson, List<int> nameVersions, out int version)
    {
        version = 0;
        writer.WriteStartObject();
        var elements = new Elements(bson);
        for (var expected = 0; elements.MoveNext();)
        {
            if (Find(fields, elements.Name, ref expected) is not { } field) continue;
            if (elements.Type != field.Type) return false;
            if (field.Type == BsonType.Array)
            {
                if (!TryWriteLines(writer, elements.Value, nameVersions)) return false;
                continue;
            }

            Write(writer, field, elements.Value, nameVersions);
            if (ReferenceEquals(field, fields[1])) version = BinaryPrimitives.ReadInt32LittleEndian(elements.Value);
        }

        writer.WriteEndObject();
        return true;
    }

    private static bool TryWriteLines(Utf8JsonWriter writer, ReadOnlySpan<byte> array, List<int> nameVersions)
    {
        writer.WriteStartArray(Items);
        var lines = new Elements(array);
        while (lines.MoveNext())
        {
            if (lines.Type != BsonType.Document) return false;
            writer.WriteStartObject();
            var elements = new Elements(lines.Value);
            for (var expected = 0; elements.MoveNext();)
            {
                if (Find(lineFields, elements.Name, ref expected) is not { } field) continue;
                if (elements.Type != field.Type) return false;
                Write(writer, field, elements.Value, nameVersions);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        return true;
    }

    private static void Write(Utf8JsonWriter writer, Field field, ReadOnlySpan<byte> value, List<int> nameVersions)
    {
        switch (field.Type)
        {
            case BsonType.String:
                // Between its length and its zero.
                writer.WriteString(field.Encoded, value[sizeof(int)..^1]);
                break;
            case BsonType.Int32:
                var number = BinaryPrimitives.ReadInt32LittleEndian(value);
                writer.WriteNumber(field.Encoded, number);
                if (field.IsNameVersion) nameVersions.Add(number);
                break;
            case BsonType.DateTime:
                writer.WritePropertyName(field.Encoded);
                InstantConverter.Write(writer, DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(value)));
                break;
            default:
                writer.WriteNumber(field.Encoded, MoneyConverter.WithDecimals(Decimal(value)));
                break;
        }
    }

    /// <summary>The field of that name, looked for where it would be if the document has all of them in their order.</summary>
    private static Field? Find(Field[] all, ReadOnlySpan<byte> name, ref int expected)
    {
        for (var tried = 0; tried < all.Length; tried++)
        {
            var field = all[(expected + tried) % all.Length];
            if (!name.SequenceEqual(field.Name)) continue;
            expected = (expected + tried + 1) % all.Length;
            return field;
        }

        return null;
    }

    private static decimal Decimal(ReadOnlySpan<byte> value)
    {
        const int fractionBits = 49, bias = 6176, mostDecimals = 28;
        var (low, high) = (BinaryPrimitives.ReadUInt64LittleEndian(value), BinaryPrimitives.ReadUInt64LittleEndian(value[sizeof(ulong)..]));
        var decimals = bias - (int)(high >> fractionBits);
        // A positive amount of up to 64 bits, which is what money is; the driver knows the others.
        return decimals is >= 0 and <= mostDecimals && (high & ((1UL << fractionBits) - 1)) == 0
            ? new decimal((int)low, (int)(low >> 32), 0, isNegative: false, (byte)decimals)
            : (decimal)Decimal128.FromIEEEBits(high, low);
    }

    private sealed class Field(string name, BsonType type)
    {
        public byte[] Name { get; } = Encoding.UTF8.GetBytes(name);
        public JsonEncodedText Encoded { get; } = JsonEncodedText.Encode(name);
        public BsonType Type => type;
        public bool IsNameVersion { get; init; }
    }

    /// <summary>Over the elements of a document or an array.</summary>
    private ref struct Elements(ReadOnlySpan<byte> document)
    {
        // Behind the document's length, and without its zero.
        private ReadOnlySpan<byte> rest = document[sizeof(int)..^1];

        public BsonType Type { get; private set; }
        public ReadOnlySpan<byte> Name { get; private set; }
        public ReadOnlySpan<byte> Value { get; private set; }

        public bool MoveNext()
        {
            if (rest.IsEmpty) return false;
            Type = (BsonType)rest[0];
            var end = rest.IndexOf((byte)0);
            Name = rest[1..end];
            rest = rest[(end + 1)..];
            var length = Length(Type, rest);
            Value = rest[..length];
            rest = rest[length..];
            return true;
        }

        private static int Length(BsonType type, ReadOnlySpan<byte> value) => type switch
        {
            BsonType.String or BsonType.JavaScript or BsonType.Symbol => sizeof(int) + BinaryPrimitives.ReadInt32LittleEndian(value),
            BsonType.Document or BsonType.Array or BsonType.JavaScriptWithScope => BinaryPrimitives.ReadInt32LittleEndian(value),
            BsonType.Binary => sizeof(int) + 1 + BinaryPrimitives.ReadInt32LittleEndian(value),
            BsonType.RegularExpression => value.IndexOf((byte)0) + 1 is var pattern ? pattern + value[pattern..].IndexOf((byte)0) + 1 : 0,
            BsonType.Int32 => sizeof(int),
            BsonType.Double or BsonType.DateTime or BsonType.Timestamp or BsonType.Int64 => sizeof(long),
            BsonType.ObjectId => 12,
            BsonType.Decimal128 => 16,
            BsonType.Boolean => 1,
            _ => 0,
        };
    }
}
