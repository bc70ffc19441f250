using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Shop.Local.Supervision;

/// <summary>Questions that tell whether a part is up.</summary>
internal static class Probes
{
    /// <summary>Longer than a service takes to find out that something does not answer it.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // Loopback only; one connection per service is plenty.
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30) }) { Timeout = Patience };

    /// <summary>Something accepts connections on that port.</summary>
    public static async Task<ProbeResult> TcpAsync(int port, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return new(PartState.Healthy);
        }
        catch (SocketException)
        {
            return new(PartState.Starting);
        }
    }

    /// <summary><c>/health</c> of a service: its status, and the descriptions of the checks that are not healthy.</summary>
    public static async Task<ProbeResult> HealthAsync(string url, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await Http.GetAsync(new Uri(url + "/health"), cancellationToken);
            if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable)) return new(PartState.Unhealthy, $"/health answers {(int)response.StatusCode}");
            using var report = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            var state = report.RootElement.GetProperty("status").GetString() switch
            {
                "Healthy" => PartState.Healthy,
                "Degraded" => PartState.Degraded,
                _ => PartState.Unhealthy,
            };
            return new(state, state == PartState.Healthy ? null : Reasons(report.RootElement));
        }
        catch (Exception exception) when (exception is HttpRequestException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new(PartState.Starting);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException)
        {
            return new(PartState.Unhealthy, "/health answers something else: another program has the port");
        }
    }

    private static string Reasons(JsonElement report) =>
        report.TryGetProperty("checks", out var checks)
            ? string.Join("; ", checks.EnumerateObject()
                .Where(check => check.Value.GetProperty("status").GetString() != "Healthy")
                .Select(check => check.Value.TryGetProperty("description", out var words) ? $"{check.Name}: {words.GetString()}" : check.Name))
            : "";
}
