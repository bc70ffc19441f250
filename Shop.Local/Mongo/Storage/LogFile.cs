using System.Buffers.Binary;

namespace Shop.Local.Mongo.Storage;

/// <summary>The data directory cannot be used; the message is a sentence for the person who started the store.</summary>
public sealed class DataDirectoryException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>Reads the frames of a log file. Only the newest file may end in the middle of one.</summary>
internal static class LogFile
{
    /// <summary>Above any frame that is written: see <see cref="Journal.MaxBatchBytes"/> plus one document of the largest size and its index.</summary>
    private const int MaxFrameBytes = 128 * 1024 * 1024;
    public static ReadOnlySpan<byte> Magic => "SHOPLOG1"u8;
    /// <param name="path">The file.</param>
    /// <param name="mayBeTorn">Whether an incomplete end is what a kill leaves behind, to be cut off, rather than damage.</param>
    /// <param name="apply">Takes each frame's payload, in order, which is gone when it returns.</param>
    /// <returns>The length of the sound part in bytes.</returns>
    /// <exception cref="DataDirectoryException">The file is damaged before its end.</exception>
    public static long Read(string path, bool mayBeTorn, Action<ArraySegment<byte>> apply)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        Span<byte> magic = stackalloc byte[8];
        var read = file.ReadAtLeast(magic, 8, false);
        if (read < 8 && mayBeTorn) return 0;
        if (!magic.SequenceEqual(Magic)) throw new DataDirectoryException($"{path} is not a log of this store.");
        byte[] buffer = [];
        while (true)
        {
            var start = file.Position;
            if (start == file.Length) return start;
            if (NextFrame(file, ref buffer) is { Count: > 0 } payload)
            {
                apply(payload);
                continue;
            }
            if (mayBeTorn && !FrameFollows(file, start)) return start;
            throw new DataDirectoryException($"{path} is damaged at byte {start}, before its end: restore the data directory or remove it.");
        }
    }

    /// <summary>Into the buffer, which grows as need be; empty when there is no sound one.</summary>
    private static ArraySegment<byte> NextFrame(FileStream file, ref byte[] buffer)
    {
        Span<byte> header = stackalloc byte[ChangeBatch.HeaderBytes];
        if (file.ReadAtLeast(header, header.Length, false) < header.Length) return default;
        var length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length is <= 0 or > MaxFrameBytes || length > file.Length - file.Position) return default;
        if (length > buffer.Length) buffer = new byte[length];
        var payload = new ArraySegment<byte>(buffer, 0, length);
        file.ReadExactly(payload);
        return ChangeBatch.Checksum(payload) == BinaryPrimitives.ReadUInt64LittleEndian(header[4..]) ? payload : default;
    }

    /// <summary>A sound frame behind the broken one means that the middle was damaged, which must not pass for a torn end.</summary>
    private static bool FrameFollows(FileStream file, long start)
    {
        file.Position = start;
        Span<byte> header = stackalloc byte[4];
        if (file.ReadAtLeast(header, 4, false) < 4) return false;
        var next = start + ChangeBatch.HeaderBytes + (uint)BinaryPrimitives.ReadInt32LittleEndian(header);
        if (next >= file.Length) return false;
        file.Position = next;
        byte[] buffer = [];
        return NextFrame(file, ref buffer).Count > 0;
    }
}
