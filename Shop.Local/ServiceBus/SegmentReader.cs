using System.Buffers.Binary;

namespace Shop.Local.ServiceBus;

/// <summary>Reads a segment's records in order, as far as their checksums agree.</summary>
internal sealed class SegmentReader(LogSegment segment)
{
    private const int LargestRecord = 256 * 1024 * 1024;
    private byte[] window = new byte[1 << 20];
    private long windowStart;
    private int windowLength;

    /// <summary>Where the record after the last good one begins.</summary>
    public long Position { get; private set; }

    /// <summary>The record just read begins here, its header included.</summary>
    public long RecordStart { get; private set; }

    /// <summary>Type and payload of the next record; false at the end or where the log is torn.</summary>
    public bool TryRead(out LogRecordType type, out ReadOnlySpan<byte> payload)
    {
        type = default;
        payload = default;
        if (!TryFill(Position, LogBuffer.HeaderSize, out var header)) return false;
        var length = BinaryPrimitives.ReadInt32LittleEndian(header);
        var checksum = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        if (length is < 1 or > LargestRecord || !TryFill(Position + LogBuffer.HeaderSize, length, out var content)) return false;
        if (LogBuffer.Checksum(content) != checksum) return false;
        RecordStart = Position;
        Position += LogBuffer.HeaderSize + length;
        type = (LogRecordType)content[0];
        payload = content[1..];
        return true;
    }

    private bool TryFill(long start, int count, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (start + count > segment.Length) return false;
        if (start < windowStart || start + count > windowStart + windowLength)
        {
            if (count > window.Length) window = new byte[Math.Max(count, window.Length * 2)];
            windowStart = start;
            windowLength = 0;
            while (windowLength < count)
            {
                var read = RandomAccess.Read(segment.Handle, window.AsSpan(windowLength), windowStart + windowLength);
                if (read == 0) return false;
                windowLength += read;
            }
        }

        bytes = window.AsSpan((int)(start - windowStart), count);
        return true;
    }
}
