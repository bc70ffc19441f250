using Microsoft.Extensions.Options;
using Shop.Contracts.Administration;

namespace Shop.Projector.Rebuild;

/// <summary>States as the events' JSON, and where the next page begins; null when there is none.</summary>
internal sealed record SnapshotPage(IReadOnlyList<ReadOnlyMemory<byte>> States, string? Next);

/// <summary>The snapshot of the write side, over its administration port. Every request is a read, so the standard resilience may repeat it.</summary>
internal sealed class WriteSideClient(IHttpClientFactory factory, IOptions<RebuildOptions> options)
{
    /// <summary>The HTTP client's name; its address is found by service discovery.</summary>
    public const string ClientName = "write-side";

    private const string NextHeader = "X-Next";

    public async Task<SnapshotTotals> CountAsync(CancellationToken cancellationToken)
    {
        using var http = factory.CreateClient(ClientName);
        return await http.GetFromJsonAsync("/snapshot", AdministrationJson.Default.SnapshotTotals, cancellationToken)
            ?? throw new HttpRequestException("The write side answered no totals.");
    }

    public async Task<SnapshotPage> PageAsync(string kind, string after, CancellationToken cancellationToken)
    {
        using var http = factory.CreateClient(ClientName);
        using var response = await http.GetAsync($"/snapshot/{kind}?after={Uri.EscapeDataString(after)}&limit={options.Value.PageSize}", cancellationToken);
        return await ReadAsync(response, cancellationToken);
    }

    public async Task<SnapshotPage> FindAsync(string kind, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        using var http = factory.CreateClient(ClientName);
        using var content = JsonContent.Create([.. ids], AdministrationJson.Default.StringArray);
        await content.LoadIntoBufferAsync(cancellationToken);
        using var response = await http.PostAsync($"/snapshot/{kind}", content, cancellationToken);
        return await ReadAsync(response, cancellationToken);
    }

    private static async Task<SnapshotPage> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        response.EnsureSuccessStatusCode();
        ReadOnlyMemory<byte> body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        List<ReadOnlyMemory<byte>> states = [];
        while (body.Span.IndexOf((byte)'\n') is >= 0 and var end)
        {
            states.Add(body[..end]);
            body = body[(end + 1)..];
        }

        return new(states, response.Headers.TryGetValues(NextHeader, out var next) ? next.First() : null);
    }
}
