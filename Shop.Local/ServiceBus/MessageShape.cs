namespace Shop.Local.ServiceBus;

/// <summary>
/// Recognises sections that every client can decode, by the types of their fields alone. What is not recognised is not wrong: then the AMQP
/// library decodes it, which costs ten times as much.
/// </summary>
internal static class MessageShape
{
    private const int MaxKeys = 24;

    /// <summary>Whether a field may be omitted or is of the type that a section's definition gives it.</summary>
    private delegate bool FieldCheck(byte constructor);

    private static readonly FieldCheck Flag = code => code is 0x40 or 0x41 or 0x42 or 0x56;
    private static readonly FieldCheck SmallNumber = code => code is 0x40 or 0x50;
    private static readonly FieldCheck Number = code => code is 0x40 or 0x43 or 0x52 or 0x70;
    private static readonly FieldCheck Time = code => code is 0x40 or 0x83;
    private static readonly FieldCheck Text = code => code is 0x40 or 0xa1 or 0xb1;
    private static readonly FieldCheck Symbol = code => code is 0x40 or 0xa3 or 0xb3;
    private static readonly FieldCheck Binary = code => code is 0x40 or 0xa0 or 0xb0;
    private static readonly FieldCheck Identifier = code => code is 0x40 or 0x44 or 0x53 or 0x80 or 0x98 or 0xa0 or 0xb0 or 0xa1 or 0xb1;

    /// <summary>durable, priority, ttl, first-acquirer, delivery-count.</summary>
    private static readonly FieldCheck[] Header = [Flag, SmallNumber, Number, Flag, Number];

    /// <summary>From message-id to reply-to-group-id.</summary>
    private static readonly FieldCheck[] Properties =
        [Identifier, Binary, Text, Text, Text, Identifier, Symbol, Symbol, Time, Time, Text, Number, Text];

    public static bool IsHeader(ReadOnlySpan<byte> list) => AreFields(list, Header);

    public static bool AreProperties(ReadOnlySpan<byte> list) => AreFields(list, Properties);

    /// <summary>Whether a measured map has few, different ASCII keys and simple values.</summary>
    public static bool AreApplicationProperties(ReadOnlySpan<byte> map)
    {
        var (itemsStart, count) = WireFormat.ReadCompound(map);
        if (count > 2 * MaxKeys) return false;
        Span<Range> keys = stackalloc Range[MaxKeys];
        var at = itemsStart;
        for (var i = 0; i < count / 2; i++)
        {
            var size = WireFormat.MeasureShallow(map[at..]);
            if (map[at] is not (0xa1 or 0xb1)) return false;
            keys[i] = (at + (map[at] == 0xa1 ? 2 : 5))..(at + size);
            var key = map[keys[i]];
            // Keys that are no valid UTF-8 might become equal once they are decoded.
            if (!System.Text.Ascii.IsValid(key)) return false;
            for (var earlier = 0; earlier < i; earlier++)
            {
                if (key.SequenceEqual(map[keys[earlier]])) return false;
            }

            at += size;
            if (map[at] is not (>= 0x40 and <= 0x44 or >= 0x50 and <= 0x56 or 0x60 or 0x61 or 0x70 or 0x71 or 0x72 or >= 0x80 and <= 0x83 or 0x98 or 0xa0 or 0xa1 or 0xb0 or 0xb1))
                return false;
            at += WireFormat.MeasureShallow(map[at..]);
        }

        return true;
    }

    /// <summary>The encoded value of a list's field, nothing when it is absent.</summary>
    public static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> list, int index)
    {
        var (itemsStart, count) = WireFormat.ReadCompound(list);
        if (index >= count) return [];
        var items = list[itemsStart..];
        for (; index > 0; index--) items = items[WireFormat.MeasureShallow(items)..];
        return items[..WireFormat.MeasureShallow(items)];
    }

    /// <summary>An unsigned integer of at most 32 bits; 0 for anything else.</summary>
    public static uint UInt(ReadOnlySpan<byte> value) => value switch
    {
        [0x52, var small] => small,
        [0x70, .. var bytes] => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes),
        _ => 0,
    };

    private static bool AreFields(ReadOnlySpan<byte> list, FieldCheck[] checks)
    {
        var (itemsStart, count) = WireFormat.ReadCompound(list);
        if (count > checks.Length) return false;
        var items = list[itemsStart..];
        for (var i = 0; i < count; i++)
        {
            if (!checks[i](items[0])) return false;
            items = items[WireFormat.MeasureShallow(items)..];
        }

        return true;
    }
}
