using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Shop.Queries.Http;

/// <summary>A value as JSON with its length: written into a buffer of the thread first, so that it leaves whole and not in chunks.</summary>
internal sealed class JsonAnswer<T>(T value, JsonTypeInfo<T> type) : IResult
{
    /// <summary>A buffer that had to grow beyond this for a large answer is not kept.</summary>
    private const int LargestKept = 256 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? kept;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var buffer = kept ?? new(initialCapacity: 4096);
        kept = null;
        using (var writer = new Utf8JsonWriter(buffer)) JsonSerializer.Serialize(writer, value, type);
        var response = httpContext.Response;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = buffer.WrittenCount;
        response.BodyWriter.Write(buffer.WrittenSpan);
        buffer.ResetWrittenCount();
        if (buffer.Capacity <= LargestKept) kept = buffer;
        return Task.CompletedTask;
    }
}

internal static class JsonAnswer
{
    public static JsonAnswer<T> Of<T>(T value, JsonTypeInfo<T> type) => new(value, type);
}
