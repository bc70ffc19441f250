using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Shop.Queries.Http;

/// <summary>A value as JSON.</summary>
internal sealed class JsonAnswer<T>(T value, JsonTypeInfo<T> type) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        var buffer = JsonBuffer.Take();
        JsonSerializer.Serialize(buffer.Writer, value, type);
        buffer.Answer(httpContext.Response);
        return Task.CompletedTask;
    }
}

internal static class JsonAnswer
{
    public static JsonAnswer<T> Of<T>(T value, JsonTypeInfo<T> type) => new(value, type);
}
