using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Polly;
using Polly.Retry;
using Shop.Contracts.Commands;

namespace Shop.Local.Import;

/// <summary>
/// Sends lines to <c>POST /import</c>. A connection that breaks, and lines answered 503, are sent again; their <c>commandId</c> makes that safe.
/// </summary>
/// <param name="adminUrl">The administration address of Shop.Commands.</param>
/// <param name="adminKey">Its key.</param>
public sealed class ImportClient(string adminUrl, string adminKey) : IDisposable
{
    /// <summary>
    /// Lines per request. .NET's HTTP/1.1 client reads the answer only after it has sent the whole body, so a request has no more lines than the
    /// server holds answers for (2,048) while nobody reads them.
    /// </summary>
    private const int ChunkLines = 2_000;

    private const int ChunkCharacters = 4 * 1024 * 1024;
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(100) };

    // 0.2 s doubling to 5 s: about half a minute, enough for a restarted service or a database that was away for a moment.
    private readonly ResiliencePipeline pipeline = new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = 10,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = TimeSpan.FromMilliseconds(200),
            MaxDelay = TimeSpan.FromSeconds(5),
            ShouldHandle = new PredicateBuilder().Handle<HttpRequestException>().Handle<IOException>().Handle<UnansweredLinesException>().Handle<TaskCanceledException>(
                exception => exception.InnerException is TimeoutException),
        })
        .Build();

    /// <summary>Sends every line of the paths, in order.</summary>
    /// <param name="paths">Files, or directories standing for their <c>*.ndjson</c> in name order.</param>
    /// <param name="rejectedFile">Where refused lines go.</param>
    /// <param name="progress">Told the totals and the share done (0 to 1) after each request.</param>
    /// <param name="cancellationToken">Ends it between two answers.</param>
    /// <exception cref="LocalRunException">A file cannot be read or written, the server does not take imports, or it was away for longer than the retries last.</exception>
    public async Task<ImportTotals> SendAsync(
        IEnumerable<string> paths, string rejectedFile, Action<ImportTotals, double> progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(progress);
        var files = ImportFile.Find(paths, rejectedFile);
        var totals = new ImportTotals();
        await using var rejected = new RejectedLines(rejectedFile);
        long allCharacters = Math.Max(1, files.Sum(file => file.Length)), sentCharacters = 0;
        foreach (var file in files)
        {
            await foreach (var chunk in ChunksAsync(file, cancellationToken))
            {
                foreach (var (line, result) in await SendChunkAsync(chunk, cancellationToken))
                {
                    totals.Count(result);
                    if (result.Status >= 400) await rejected.AddAsync(line, result);
                }

                sentCharacters += chunk.Sum(line => line.Original.Length + 1L);
                progress(totals, Math.Min(1, (double)sentCharacters / allCharacters));
            }
        }

        return totals;
    }

    public void Dispose() => http.Dispose();

    private static async IAsyncEnumerable<List<ImportLine>> ChunksAsync(
        ImportFile file, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<ImportLine> chunk = [];
        var characters = 0;
        await foreach (var line in file.ReadAsync(cancellationToken))
        {
            if (chunk.Count == ChunkLines || (chunk.Count > 0 && characters + line.Text.Length > ChunkCharacters))
            {
                yield return chunk;
                chunk = [];
                characters = 0;
            }

            chunk.Add(line);
            characters += line.Text.Length;
        }

        if (chunk.Count > 0) yield return chunk;
    }

    /// <summary>Until each line has an answer that is final. Each attempt sends what is still open, in order.</summary>
    private async Task<IEnumerable<(ImportLine Line, BatchLineResult Result)>> SendChunkAsync(List<ImportLine> chunk, CancellationToken cancellationToken)
    {
        var answers = new BatchLineResult?[chunk.Count];
        try
        {
            await pipeline.ExecuteAsync(async token =>
            {
                var open = Enumerable.Range(0, chunk.Count).Where(index => answers[index] is null).ToList();
                await PostAsync(chunk, open, answers, token);
                if (answers.Any(answer => answer is null)) throw new UnansweredLinesException();
            }, cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or UnansweredLinesException or TaskCanceledException { InnerException: TimeoutException })
        {
            var first = chunk[Array.FindIndex(answers, answer => answer is null)];
            throw new LocalRunException(
                $"{adminUrl} does not answer line {first.Number} of {first.File} ({exception.Message}). Run the import again: what is done already is not done twice.", exception);
        }

        return chunk.Zip(answers.Select(answer => answer!));
    }

    private async Task PostAsync(List<ImportLine> chunk, List<int> open, BatchLineResult?[] answers, CancellationToken cancellationToken)
    {
        var body = Encoding.UTF8.GetBytes(string.Join('\n', open.Select(index => chunk[index].Text)) + "\n");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(adminUrl + "/import")) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        request.Headers.Add("X-Admin-Key", adminKey);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode == HttpStatusCode.ServiceUnavailable) throw new UnansweredLinesException();
        if (!response.IsSuccessStatusCode)
            throw new LocalRunException($"{adminUrl}/import answers {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");

        // A line refused after one that is to come again may have missed just that one: it comes again with it.
        var again = false;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        foreach (var index in open)
        {
            if (await reader.ReadLineAsync(cancellationToken) is not { } line) return;
            var answer = Read(line);
            again |= answer.Status == (int)HttpStatusCode.ServiceUnavailable;
            if (!again || answer.Status < 400) answers[index] = answer;
        }
    }

    /// <summary>Half a line is what a connection leaves that broke while answering.</summary>
    private static BatchLineResult Read(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, CommandJson.Default.BatchLineResult) ?? throw new UnansweredLinesException();
        }
        catch (JsonException exception)
        {
            throw new UnansweredLinesException(exception);
        }
    }

    private sealed class UnansweredLinesException(Exception? inner = null) : Exception("no answer, or 503", inner);
}
