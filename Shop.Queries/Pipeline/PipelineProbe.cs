using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Shop.Contracts.Views;

namespace Shop.Queries.Pipeline;

/// <summary>Asks every service of the pipeline how it is, through service discovery; whoever does not answer in time is away.</summary>
internal sealed class PipelineProbe(IHttpClientFactory clients, HealthCheckService health)
{
    public const string Client = "pipeline";

    /// <summary>Longer than any health check takes to find out that something does not answer: 4 s at most.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private const int MaxAnswerBytes = 64 * 1024;

    public async Task<PipelineReport> ReadAsync(CancellationToken cancellationToken)
    {
        var own = OwnHealthAsync(cancellationToken);
        var commands = HealthAsync("commands", cancellationToken);
        var projector = HealthAsync("projector", cancellationToken);
        var backlog = GetAsync("http://commands/backlog", PipelineJson.Default.BacklogReport, cancellationToken);
        var lag = GetAsync("http://projector/lag", PipelineJson.Default.LagReport, cancellationToken);
        ServiceReport[] services = [await commands, await projector, await own];
        return new(Judge(services, await backlog, await lag), services, await backlog, await lag, []);
    }

    /// <summary>
    /// Red (Unhealthy): a service is away or says that it cannot work. Amber (Degraded): one says so of something it depends on, events
    /// wait for a person, or what is shown is more than <see cref="LateSeconds"/> behind.
    /// </summary>
    internal static string Judge(IReadOnlyList<ServiceReport> services, BacklogReport? backlog, LagReport? lag)
    {
        if (services.Any(service => service.Status is PipelineStatus.Away or PipelineStatus.Unhealthy)) return PipelineStatus.Unhealthy;
        var isAmber = services.Any(service => service.Status == PipelineStatus.Degraded)
            || backlog is null or { Parked: > 0 } or { OldestAge: > LateSeconds } || lag is null or { DeadLetters: > 0 } or { Now: > LateSeconds } or { P99: > LateSeconds };
        return isAmber ? PipelineStatus.Degraded : PipelineStatus.Healthy;
    }

    /// <summary>As the alerts of docs/operations.md have it.</summary>
    private const double LateSeconds = 10;

    private async Task<ServiceReport> OwnHealthAsync(CancellationToken cancellationToken)
    {
        var report = await health.CheckHealthAsync(cancellationToken);
        return new("queries", report.Status.ToString(), [.. report.Entries.Where(check => check.Value.Status != HealthStatus.Healthy)
            .Select(check => new CheckReport(check.Key, check.Value.Status.ToString(), check.Value.Description))]);
    }

    private async Task<ServiceReport> HealthAsync(string service, CancellationToken cancellationToken)
    {
        if (await GetAsync($"http://{service}/health", HealthJson.Default.HealthAnswer, cancellationToken) is not { } answer) return new(service, PipelineStatus.Away, []);
        return new(service, answer.Status, [.. answer.Checks.Where(check => check.Value.Status != PipelineStatus.Healthy)
            .Select(check => new CheckReport(check.Key, check.Value.Status, check.Value.Description))]);
    }

    /// <summary>Null when there was no answer of that form; its status code does not matter, /health says 503 with a body.</summary>
    private async Task<T?> GetAsync<T>(string url, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        enough.CancelAfter(Patience);
        try
        {
            using var client = clients.CreateClient(Client);
            client.MaxResponseContentBufferSize = MaxAnswerBytes;
            using var response = await client.GetAsync(new Uri(url), enough.Token);
            if (response.Content.Headers.ContentType?.MediaType != "application/json") return null;
            return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(enough.Token), type);
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
