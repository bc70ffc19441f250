using System.Text.Json.Serialization;

namespace Shop.Contracts.Views;

/// <summary>The answer of the projector's <c>GET /lag</c>, in seconds.</summary>
/// <param name="Now">The age of the oldest event that was received and is not visible yet; without one, what the last event took; 0 before the first.</param>
/// <param name="P50">Median from commit to visible over the last minute, or the seconds asked for; absent when nothing was projected.</param>
/// <param name="P99">99th percentile likewise.</param>
/// <param name="Events">How many events there were in that time.</param>
/// <param name="DeadLetters">Events that wait to be replayed or purged, as of the last count.</param>
public sealed record LagReport(double Now, double? P50, double? P99, int Events, int DeadLetters = 0);

/// <summary>The answer of the write side's <c>GET /backlog</c>.</summary>
/// <param name="Depth">Events committed and not yet accepted by the bus, of the whole database.</param>
/// <param name="OldestAge">How long the oldest of them has waited, in seconds; 0 when there is none.</param>
/// <param name="Parked">Events that the bus refused for good and that wait for a replay.</param>
public sealed record BacklogReport(long Depth, double OldestAge, long Parked);

/// <summary>The answer of <c>GET /pipeline?after=</c>: the way of an event as the queries see it, at most a few seconds old.</summary>
/// <param name="Status">One of <see cref="PipelineStatus"/>; never <see cref="PipelineStatus.Away"/>.</param>
/// <param name="Services">commands, projector and queries.</param>
/// <param name="Backlog">Absent when the write side does not say.</param>
/// <param name="Lag">Absent when the projector does not say. With several projectors it is that of one of them.</param>
/// <param name="Samples">The last five minutes as far as somebody looked, or what is newer than <c>after</c>; oldest first.</param>
public sealed record PipelineReport(
    string Status, IReadOnlyList<ServiceReport> Services, BacklogReport? Backlog, LagReport? Lag, IReadOnlyList<PipelineSample> Samples);

/// <param name="Name">commands, projector or queries.</param>
/// <param name="Status">One of <see cref="PipelineStatus"/>.</param>
/// <param name="Checks">Its health checks that are not Healthy.</param>
public sealed record ServiceReport(string Name, string Status, IReadOnlyList<CheckReport> Checks);

/// <param name="Name">As <c>/health</c> names it.</param>
/// <param name="Status">Degraded or Unhealthy.</param>
/// <param name="Description">In the service's own words.</param>
public sealed record CheckReport(string Name, string Status, string? Description);

/// <param name="At">Milliseconds since 1970, by the clock of the queries.</param>
/// <param name="Lag"><see cref="LagReport.Now"/>.</param>
/// <param name="P99"><see cref="LagReport.P99"/>.</param>
/// <param name="Depth"><see cref="BacklogReport.Depth"/>.</param>
public sealed record PipelineSample(long At, double? Lag, double? P99, long? Depth);

public static class PipelineStatus
{
    public const string Healthy = "Healthy";

    /// <summary>It works, and something it depends on is not as it should be.</summary>
    public const string Degraded = "Degraded";

    /// <summary>It answers that it cannot work.</summary>
    public const string Unhealthy = "Unhealthy";

    /// <summary>It does not answer.</summary>
    public const string Away = "Away";
}

/// <summary>What services tell each other about themselves.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LagReport))]
[JsonSerializable(typeof(BacklogReport))]
[JsonSerializable(typeof(PipelineReport))]
public sealed partial class PipelineJson : JsonSerializerContext;
