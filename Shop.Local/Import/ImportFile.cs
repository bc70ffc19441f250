using System.Security.Cryptography;
using System.Text.Json;

namespace Shop.Local.Import;

/// <summary>One line of a file that holds a command.</summary>
/// <param name="File">Which file.</param>
/// <param name="Number">Counted from 1, empty lines included.</param>
/// <param name="Original">As it stands in the file.</param>
/// <param name="Text">As it is sent: with a <c>commandId</c>.</param>
internal sealed record ImportLine(string File, long Number, string Original, string Text);

/// <summary>
/// A file of commands. Each gets the file's content and its line number as its <c>commandId</c>, unless it has one: so sending the same file again,
/// in whole or from any line, has no effect beyond the first.
/// </summary>
internal sealed record ImportFile(string Path, long Length)
{
    private const int HashLength = 32;

    /// <summary>The files of the paths, a directory standing for its <c>*.ndjson</c> in name order, without what a former import left in <paramref name="rejectedFile"/>.</summary>
    /// <exception cref="LocalRunException">A path does not exist, cannot be read or is where refused lines go, or a directory has no such file.</exception>
    public static IReadOnlyList<ImportFile> Find(IEnumerable<string> paths, string rejectedFile) =>
        [.. paths.SelectMany(path => Expand(path, System.IO.Path.GetFullPath(rejectedFile))).Select(Open)];

    public async IAsyncEnumerable<ImportLine> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string hash;
        await using (var content = File.OpenRead(Path))
            hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken))[..HashLength];
        using var reader = new StreamReader(Path);
        for (var number = 1L; await reader.ReadLineAsync(cancellationToken) is { } line; number++)
        {
            var trimmed = line.Trim();
            if (trimmed.Length > 0) yield return new ImportLine(Path, number, trimmed, WithCommandId(trimmed, $"{hash}:{number}"));
        }
    }

    /// <summary>The line with the id as its last property; a line that is not a JSON object, or has an id, stays as it is: the server says what is wrong with it.</summary>
    internal static string WithCommandId(string line, string commandId)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind != JsonValueKind.Object || json.RootElement.TryGetProperty("commandId", out _)) return line;
            var separator = json.RootElement.EnumerateObject().Any() ? "," : "";
            return $"{line[..line.LastIndexOf('}')]}{separator}\"commandId\":\"{commandId}\"}}";
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second: half a surrogate pair in a name.
            return line;
        }
    }

    private static List<string> Expand(string path, string rejectedFile)
    {
        if (File.Exists(path))
        {
            // It is begun anew by every import: the lines would be gone before they are sent.
            return System.IO.Path.GetFullPath(path) != rejectedFile ? [path] : throw new LocalRunException($"{path} is where refused lines go: rename it, or choose another file with --rejected.");
        }

        if (!Directory.Exists(path)) throw new LocalRunException($"{path} does not exist.");
        var files = Directory.GetFiles(path, "*.ndjson").Where(file => System.IO.Path.GetFullPath(file) != rejectedFile).Order(StringComparer.Ordinal).ToList();
        return files.Count > 0 ? files : throw new LocalRunException($"{path} has no *.ndjson file.");
    }

    private static ImportFile Open(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return file.CanSeek ? new ImportFile(path, file.Length)
                : throw new LocalRunException($"{path} can be read once only, and an import reads twice (the ids of the lines come from the whole content): save it to a file first.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalRunException($"{path} cannot be read: {exception.Message}", exception);
        }
    }
}
