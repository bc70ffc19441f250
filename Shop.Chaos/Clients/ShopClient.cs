using System.Net.Http.Json;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Shop.Chaos.History;
using Shop.Contracts.Commands;

namespace Shop.Chaos.Clients;

/// <summary>One HTTP call each, recorded whatever comes of it.</summary>
internal sealed class ShopClient(HttpClient http, Journal journal)
{
    private const string DoubtHint = "may have been done";

    public async Task<CommandAttempt> SendAsync(int client, Intent intent, int? ifMatch, string to, string url, TimeSpan patience)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url + "/commands")
        {
            Content = JsonContent.Create(intent.Command, CommandJson.Default.Command),
        };
        if (ifMatch is { } version) request.Headers.IfMatch.Add(new EntityTagHeaderValue($"\"{version}\""));
        var attempt = new CommandAttempt(0, client, intent.Key, intent.Command.GetType().Name, intent.Subject, intent.Mark, intent.Command.CommandId, ifMatch, to,
            journal.Now, 0, Answer.Unknown, null, null, false, null);
        using var timeout = new CancellationTokenSource(patience);
        try
        {
            using var response = await http.SendAsync(request, timeout.Token);
            attempt = await ReadAsync(attempt with { Status = (int)response.StatusCode }, response, timeout.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException or SocketException or JsonException)
        {
            attempt = attempt with { Answer = Answer.Unknown, Detail = exception is OperationCanceledException ? "no answer in time" : exception.Message };
        }

        attempt = attempt with { End = journal.Now };
        journal.Add(attempt);
        return attempt;
    }

    public async Task<Read> ReadAsync(int client, string kind, string subject, IReadOnlyList<Seen> seen, string to, string url, string path, TimeSpan patience)
    {
        var query = string.Join('&', seen.Select(version => $"seen={Uri.EscapeDataString(FormattableString.Invariant($"{version.Subject}:{version.Version}"))}"));
        using var request = new HttpRequestMessage(HttpMethod.Get, url + path + (query.Length == 0 ? "" : (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + query));
        request.Headers.TryAddWithoutValidation("Prefer", "wait=1");
        var read = new Read(0, client, kind, subject, seen, to, journal.Now, 0, null);
        using var timeout = new CancellationTokenSource(patience);
        try
        {
            using var response = await http.SendAsync(request, timeout.Token);
            read = response.IsSuccessStatusCode ? await ReadAsync(read, response.Content, timeout.Token) : read;
            read = read with { Status = (int)response.StatusCode };
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException or SocketException or JsonException)
        {
            read = read with { Status = null };
        }

        read = read with { End = journal.Now };
        journal.Add(read);
        return read;
    }

    private static async Task<CommandAttempt> ReadAsync(CommandAttempt attempt, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            var result = await response.Content.ReadFromJsonAsync(CommandJson.Default.CommandResult, cancellationToken);
            return attempt with { Answer = Answer.Done, Version = result!.Version, Replayed = response.Headers.Contains("Idempotent-Replayed") };
        }

        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        // 5xx without "may have been done" promises that nothing was; what is no problem document promises nothing.
        var isProblem = response.Content.Headers.ContentType?.MediaType == "application/problem+json";
        var isDefinite = isProblem && (attempt.Status is >= 400 and < 500 || (attempt.Status == 503 && !body.Contains(DoubtHint, StringComparison.Ordinal)));
        return attempt with { Answer = isDefinite ? Answer.Refused : Answer.Unknown, Detail = body.Length > 300 ? body[..300] : body };
    }

    private static async Task<Read> ReadAsync(Read read, HttpContent content, CancellationToken cancellationToken)
    {
        switch (read.Kind)
        {
            case ReadKind.Order:
                return read with { Orders = [(await content.ReadFromJsonAsync(HistoryJson.Default.OrderDocument, cancellationToken))!] };
            case ReadKind.History:
                var page = (await content.ReadFromJsonAsync(HistoryJson.Default.OrderPage, cancellationToken))!;
                return read with { Orders = page.Orders, IsComplete = page.Next is null };
            case ReadKind.Summary:
                return read with { Summary = await content.ReadFromJsonAsync(HistoryJson.Default.CustomerSummary, cancellationToken) };
            default:
                return read with { BestSellers = await content.ReadFromJsonAsync(HistoryJson.Default.BestSellers, cancellationToken) };
        }
    }
}
