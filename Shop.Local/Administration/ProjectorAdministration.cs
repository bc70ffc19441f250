using System.Text.Json;
using Shop.Contracts.Administration;

namespace Shop.Local.Administration;

/// <summary>The administration port of Shop.Projector. What it refuses becomes a <see cref="LocalRunException"/> with its own words.</summary>
/// <param name="adminUrl">Its address.</param>
/// <param name="adminKey">Its key.</param>
public sealed class ProjectorAdministration(string adminUrl, string adminKey) : IDisposable
{
    private readonly AdministrationClient http = new("Shop.Projector", adminUrl, adminKey);

    public Task<DeadLetterList> ListDeadLettersAsync(DeadLetterSelection selection, CancellationToken cancellationToken) =>
        http.SendAsync(HttpMethod.Get, "/dead-letters" + selection.Query, AdministrationJson.Default.DeadLetterList, cancellationToken);

    public Task<DeadLetterContent> FindDeadLetterAsync(long sequence, CancellationToken cancellationToken) =>
        http.SendAsync(HttpMethod.Get, FormattableString.Invariant($"/dead-letters/{sequence}"), AdministrationJson.Default.DeadLetterContent, cancellationToken);

    /// <param name="action"><c>replay</c> or <c>purge</c>.</param>
    /// <param name="selection">Of which.</param>
    /// <param name="cancellationToken">Ends the waiting; what was done stays done.</param>
    public Task<DeadLetterOutcome> DeadLettersAsync(string action, DeadLetterSelection selection, CancellationToken cancellationToken) =>
        http.SendAsync(HttpMethod.Post, $"/dead-letters/{action}{selection.Query}", AdministrationJson.Default.DeadLetterOutcome, cancellationToken);

    public Task<RebuildStatus> RebuildStatusAsync(CancellationToken cancellationToken) =>
        http.SendAsync(HttpMethod.Get, "/rebuild", AdministrationJson.Default.RebuildStatus, cancellationToken);

    /// <param name="step">Nothing to start or go on, or <c>/rollback</c>, or <c>/retire</c>.</param>
    /// <param name="cancellationToken">Ends the waiting; what was done stays done.</param>
    public Task<RebuildStatus> RebuildAsync(string step, CancellationToken cancellationToken) =>
        http.SendAsync(HttpMethod.Post, "/rebuild" + step, AdministrationJson.Default.RebuildStatus, cancellationToken);

    /// <summary>Progress, and as the last line the report.</summary>
    public async IAsyncEnumerable<VerificationLine> VerifyAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/verify");
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
            if (JsonSerializer.Deserialize(line, AdministrationJson.Default.VerificationLine) is { } parsed) yield return parsed;
    }

    public void Dispose() => http.Dispose();
}

/// <summary>Which dead letters; see the projector's administration.</summary>
public sealed record DeadLetterSelection(string? Reason = null, string? Type = null, string? Subject = null, long? Sequence = null)
{
    internal string Query
    {
        get
        {
            (string Name, string? Value)[] all =
                [("reason", Reason), ("type", Type), ("subject", Subject), ("sequence", Sequence?.ToString(System.Globalization.CultureInfo.InvariantCulture))];
            var given = all.Where(pair => pair.Value is not null).Select(pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value!)}").ToArray();
            return given.Length == 0 ? "" : "?" + string.Join('&', given);
        }
    }
}
