using System.Buffers;
using System.Text.Json;

namespace Shop.Queries.Http;

/// <summary>
/// Where an answer is written before it leaves, so that it leaves whole, with its length, and not in chunks. Each thread keeps one; it is in
/// nobody's hands across an await.
/// </summary>
internal sealed class JsonBuffer
{
    /// <summary>A buffer that had to grow beyond this for a large answer is not kept.</summary>
    private const int LargestKept = 256 * 1024;

    [ThreadStatic]
    private static JsonBuffer? kept;

    private readonly ArrayBufferWriter<byte> bytes = new(initialCapacity: 4096);

    private JsonBuffer() => Writer = new(bytes);

    public Utf8JsonWriter Writer { get; }

    /// <summary>An empty one.</summary>
    public static JsonBuffer Take()
    {
        var buffer = kept ?? new();
        kept = null;
        buffer.bytes.ResetWrittenCount();
        buffer.Writer.Reset(buffer.bytes);
        return buffer;
    }

    /// <summary>As the body, and gives the buffer back to its thread.</summary>
    public void Answer(HttpResponse response)
    {
        Writer.Flush();
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = bytes.WrittenCount;
        response.BodyWriter.Write(bytes.WrittenSpan);
        Return();
    }

    /// <summary>Unused.</summary>
    public void Return()
    {
        if (bytes.Capacity <= LargestKept) kept = this;
    }
}
