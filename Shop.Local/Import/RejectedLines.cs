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
        // What a former import left would be taken for this one's.
        File.Delete(path);
    }

    public async Task AddAsync(ImportLine line, BatchLineResult result)
    {
        writer ??= new StreamWriter(path);
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

    /// <summary>What is not JSON is kept as a string.</summary>
    private static JsonNode? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line);
        }
        catch (JsonException)
        {
            return JsonValue.Create(line);
        }
    }
}
