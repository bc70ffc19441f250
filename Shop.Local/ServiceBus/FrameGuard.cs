using System.Buffers.Binary;

namespace Shop.Local.ServiceBus;

/// <summary>
/// Looks over a connection's incoming frames before the AMQP library decodes them: refuses what would make it recurse or grow
/// without bound, and turns the string keys that the JavaScript client puts into the maps of dispositions into symbols, without which
/// the library closes the connection.
/// </summary>
internal sealed class FrameGuard(int maxMessageSize)
{
    private const ulong Transfer = 0x14, Disposition = 0x15, ErrorValue = 0x1d, ModifiedState = 0x27;
    private const int MaxUnfinished = 256;
    private long unfinishedBytes;

    /// <summary>What has come of messages in several frames, by channel and handle.</summary>
    private readonly Dictionary<(ushort Channel, uint Handle), long> unfinished = [];

    public static void ExpectFrame(ReadOnlySpan<byte> size)
    {
        if (BinaryPrimitives.ReadInt32BigEndian(size) < 8) throw new InvalidDataException("A frame is at least 8 bytes long.");
    }

    /// <summary>Checks a frame, given without its size field.</summary>
    /// <exception cref="InvalidDataException">The frame must not reach the library.</exception>
    public void CheckFrame(Span<byte> frame)
    {
        var dataOffset = (frame[0] * 4) - 4;
        if (dataOffset < 4 || dataOffset > frame.Length) throw new InvalidDataException("A frame's data offset lies outside of it.");
        var body = frame[dataOffset..];
        if (body.IsEmpty) return;
        var length = WireFormat.Measure(body);
        var (code, valueStart) = WireFormat.ReadDescriptor(body);
        if (code == Disposition) SymbolizeKeys(body[..length], 0);
        if (code == Transfer) CountTransfer(BinaryPrimitives.ReadUInt16BigEndian(frame[2..]), body[valueStart..length], body.Length - length);
    }

    private void CountTransfer(ushort channel, ReadOnlySpan<byte> list, int payload)
    {
        var (itemsStart, count) = WireFormat.ReadCompound(list);
        if (count < 1) throw new InvalidDataException("A transfer without a handle.");
        uint handle = 0;
        var more = false;
        var items = list[itemsStart..];
        for (var i = 0; i < count; i++)
        {
            var size = WireFormat.Measure(items);
            if (i == 0) handle = ReadUInt(items);
            if (i == 5) more = items[0] == 0x41 || (items[0] == 0x56 && items[1] == 1);
            items = items[size..];
        }

        var key = (channel, handle);
        var before = unfinished.GetValueOrDefault(key);
        var total = before + payload;
        // A message just over the limit is refused politely, on its link, when it is complete.
        if (total > 2L * maxMessageSize + 65536) throw new InvalidDataException("A message is far larger than the link allows.");
        if (!more) unfinished.Remove(key);
        else unfinished[key] = total;
        unfinishedBytes += (more ? total : 0) - before;
        if (unfinished.Count > MaxUnfinished || unfinishedBytes > 16L * maxMessageSize + 65536) throw new InvalidDataException("Too many unfinished messages.");
    }

    private static uint ReadUInt(ReadOnlySpan<byte> value) => value[0] switch
    {
        0x43 => 0,
        0x52 => value[1],
        0x70 => BinaryPrimitives.ReadUInt32BigEndian(value[1..]),
        _ => throw new InvalidDataException("A handle was expected."),
    };

    /// <summary>Walks disposition, outcome, error; a map that is the third field of an error or of a modified outcome has symbols for keys.</summary>
    private static void SymbolizeKeys(Span<byte> described, int depth)
    {
        if (described[0] != 0 || depth > 3) return;
        var (code, valueStart) = WireFormat.ReadDescriptor(described);
        var list = described[valueStart..];
        var (itemsStart, count) = WireFormat.ReadCompound(list);
        var items = list[itemsStart..];
        for (var i = 0; i < count; i++)
        {
            var size = WireFormat.Measure(items);
            if (i == 2 && (code is ErrorValue or ModifiedState) && (items[0] is 0xc1 or 0xd1)) SymbolizeMap(items[..size]);
            else if (items[0] == 0) SymbolizeKeys(items[..size], depth + 1);
            items = items[size..];
        }
    }

    private static void SymbolizeMap(Span<byte> map)
    {
        var (itemsStart, count) = WireFormat.ReadCompound(map);
        var items = map[itemsStart..];
        for (var i = 0; i < count; i++)
        {
            var size = WireFormat.Measure(items);
            if (i % 2 == 0) items[0] = items[0] switch { 0xa1 => 0xa3, 0xb1 => 0xb3, var other => other };
            items = items[size..];
        }
    }
}
