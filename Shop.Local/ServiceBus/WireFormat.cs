using System.Buffers.Binary;

namespace Shop.Local.ServiceBus;

/// <summary>
/// Measures AMQP 1.0 encoded values (specification part 1) without decoding them. Whatever comes from a client passes
/// <see cref="Measure"/> before the AMQP library decodes it: the library recurses as deep as the bytes say.
/// </summary>
internal static class WireFormat
{
    private const int MaxDepth = 32;

    /// <summary>The encoded size of the value at the beginning of <paramref name="data"/>, nested values checked.</summary>
    /// <exception cref="InvalidDataException">The bytes are no value, are cut off or nested deeper than 32 levels.</exception>
    public static int Measure(ReadOnlySpan<byte> data, int depth = 0)
    {
        if (depth > MaxDepth) throw new InvalidDataException("A value is nested too deeply.");
        if (data.IsEmpty) throw Truncated();
        if (data[0] == 0)
        {
            var descriptor = Measure(data[1..], depth + 1);
            return 1 + descriptor + Measure(data[(1 + descriptor)..], depth + 1);
        }

        var size = MeasureShallow(data);
        switch (data[0] >> 4)
        {
            case 0xc:
                if (size < 3) throw Truncated();
                MeasureItems(data[3..size], data[2], depth, isMap: data[0] == 0xc1);
                break;
            case 0xd:
                if (size < 9) throw Truncated();
                MeasureItems(data[9..size], BinaryPrimitives.ReadUInt32BigEndian(data[5..]), depth, isMap: data[0] == 0xd1);
                break;
            case 0xe:
            case 0xf:
                CheckArray(data[..size]);
                break;
        }

        return size;
    }

    /// <summary>The encoded size of the undescribed value at the beginning, its content unseen.</summary>
    /// <exception cref="InvalidDataException">The bytes are no such value or are cut off.</exception>
    public static int MeasureShallow(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty) throw Truncated();
        long size = data[0] switch
        {
            >= 0x40 and <= 0x45 => 1,
            >= 0x50 and <= 0x56 => 2,
            0x60 or 0x61 => 3,
            >= 0x70 and <= 0x74 => 5,
            >= 0x80 and <= 0x84 => 9,
            0x94 or 0x98 => 17,
            0xa0 or 0xa1 or 0xa3 or 0xc0 or 0xc1 or 0xe0 => data.Length < 2 ? throw Truncated() : 2L + data[1],
            0xb0 or 0xb1 or 0xb3 or 0xd0 or 0xd1 or 0xf0 => data.Length < 5 ? throw Truncated() : 5L + BinaryPrimitives.ReadUInt32BigEndian(data[1..]),
            _ => throw new InvalidDataException("There is no AMQP type with this code."),
        };
        return size <= data.Length ? (int)size : throw Truncated();
    }

    /// <summary>The numeric descriptor of a described value and where the value itself begins; code 0 for any other descriptor.</summary>
    public static (ulong Code, int ValueStart) ReadDescriptor(ReadOnlySpan<byte> data)
    {
        if (data.Length < 2 || data[0] != 0) throw new InvalidDataException("A described value was expected.");
        var size = MeasureShallow(data[1..]);
        var code = data[1] switch
        {
            0x53 => data[2],
            0x80 => BinaryPrimitives.ReadUInt64BigEndian(data[2..]),
            0x44 => 0UL,
            _ => 0UL,
        };
        return (code, 1 + size);
    }

    /// <summary>Where the items of a list or map begin and how many there are; none for anything else.</summary>
    public static (int ItemsStart, int Count) ReadCompound(ReadOnlySpan<byte> data) => data[0] switch
    {
        0xc0 or 0xc1 => (3, data[2]),
        0xd0 or 0xd1 => (9, (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32BigEndian(data[5..]))),
        _ => (0, 0),
    };

    private static void MeasureItems(ReadOnlySpan<byte> items, uint count, int depth, bool isMap)
    {
        if (isMap && count % 2 != 0) throw new InvalidDataException("A map has a key without a value.");
        for (uint i = 0; i < count; i++)
            items = items[Measure(items, depth + 1)..];
    }

    /// <summary>Arrays of compound or described elements are valid AMQP, but no Service Bus client sends one.</summary>
    private static void CheckArray(ReadOnlySpan<byte> array)
    {
        var constructor = (array[0] >> 4) == 0xe ? 3 : 9;
        if (array.Length < constructor) throw Truncated();
        if (array.Length == constructor) return;
        if (array[constructor] == 0 || array[constructor] >> 4 is 0xc or 0xd or 0xe or 0xf)
            throw new InvalidDataException("Arrays of compound values are not supported.");
    }

    private static InvalidDataException Truncated() => new("A value is cut off.");
}
