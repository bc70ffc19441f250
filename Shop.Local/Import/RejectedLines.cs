using System.Text.Json;
using System.Text.Json.Nodes;
using Shop.Contracts.Commands;

namespace Shop.Local.Import;

/// <summary>Every refused line with its reason, as NDJSON; the file exists only when there is one.</summary>
internal sealed class RejectedLines : IAsyncDisposable
{
    private readonly string path;
    private StreamWriter? writer;

    public RejectedLines(string path)
    {
        this.path = path;
        try
        {
            // What a former import left would be taken for this one's.
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalRunException($"{path} cannot be the file of the refused lines: {exception.Message}", exception);
        }
    }

    public async Task AddAsync(ImportLine line, BatchLineResult result)
    {
        writer ??= Begin();
        var rejected = new JsonObject
        {
            ["file"] = Path.GetFileName(line.File),
            ["line"] = line.Number,
            ["status"] = result.Status,
            ["problem"] = JsonSerializer.SerializeToNode(result.Problem, CommandJson.Default.ProblemBody),
            ["command"] = Parse(line.Original),
        };
        await writer.WriteLineAsync(rejected.ToJsonString());
    }

    public async ValueTask DisposeAsync()
    {
        if (writer is not null) await writer.DisposeAsync();
    }

    private StreamWriter Begin()
    {
        try
        {
            return new StreamWriter(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalRunException(
                $"A line was refused, and {path} cannot be written ({exception.Message}). Run the import again with another file as --rejected: what is done already is not done twice.", exception);
        }
    }

    /// <summary>What is not JSON, or has half a surrogate pair in it and cannot be written again, is kept as a string.</summary>
    private static JsonNode? Parse(string line)
    {
        try
        {
            var node = JsonNode.Parse(line);
            node?.ToJsonString();
            return node;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return JsonValue.Create(line);
        }
    }
}
