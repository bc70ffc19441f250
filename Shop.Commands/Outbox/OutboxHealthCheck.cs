using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Shop.Commands.Outbox;

/// <summary>Degraded while events wait for longer than <see cref="StuckAfter"/> or are parked: orders are taken, but nobody sees them.</summary>
internal sealed class OutboxHealthCheck(NpgsqlDataSource dataSource, OutboxHandOff handOff, TimeProvider time) : IHealthCheck
{
    public const string Name = "outbox";

    /// <summary>A database that does not even refuse must not keep whoever asks waiting.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(10);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        // Before the migrations have run there is nothing to ask.
        if (!handOff.ShardCount.IsCompleted) return HealthCheckResult.Degraded("The outbox is not open yet.");
        try
        {
            var (_, oldest, parked) = await OutboxBacklog.ReadAsync(dataSource, time, cancellationToken);
            if (oldest > StuckAfter) return HealthCheckResult.Degraded($"The oldest unpublished event waits for {oldest.TotalSeconds:0} s.");
            return parked > 0 ? HealthCheckResult.Degraded($"{parked} events are parked.") : HealthCheckResult.Healthy();
        }
        catch (NpgsqlException exception)
        {
            // The database has a check of its own that says so.
            return HealthCheckResult.Degraded("The outbox cannot be read.", exception);
        }
    }
}
