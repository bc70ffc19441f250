namespace Shop.Local.ServiceBus;

/// <summary>Reads records back, which are mostly wanted in the order in which they lie, through one piece of a segment that it keeps.</summary>
internal sealed class LogWindow
{
    private byte[] bytes = new byte[256 * 1024];
    private LogSegment? segment;
    private long start;
    private int length;

    /// <exception cref="InvalidDataException">The segment ends before the record does.</exception>
    public ReadOnlySpan<byte> Read(LogSegment from, LogPlace place)
    {
        if (from != segment || place.Offset < start || place.Offset + place.Length > start + length) Fill(from, place);
        return bytes.AsSpan((int)(place.Offset - start), place.Length);
    }

    private void Fill(LogSegment from, LogPlace place)
    {
        if (bytes.Length < place.Length) bytes = new byte[place.Length];
        (segment, start, length) = (from, place.Offset, 0);
        while (length < place.Length)
        {
            var read = RandomAccess.Read(from.Handle, bytes.AsSpan(length), start + length);
            if (read == 0)
            {
                segment = null;
                throw new InvalidDataException($"{from.Path} is shorter than it was.");
            }

            length += read;
        }
    }
}
