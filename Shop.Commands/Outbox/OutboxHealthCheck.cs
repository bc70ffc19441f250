using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Shop.Commands.Outbox;

/// <summary>Degraded while events wait for longer than <see cref="StuckAfter"/> or are parked: orders are taken, but nobody sees them.</summary>
internal sealed class OutboxHealthCheck(NpgsqlDataSource dataSource, OutboxHandOff handOff, TimeProvider time) : IHealthCheck
{
    public const string Name = "outbox";
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(10);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        // Before the migrations have run there is nothing to ask.
        if (!handOff.ShardCount.IsCompleted) return HealthCheckResult.Degraded("The outbox is not open yet.");
        try
        {
            await using var command = dataSource.CreateCommand("""
                select (select count(*) from outbox_parked),
                       (select min(o.occurred_at) from outbox_shard s join outbox o on o.shard = s.shard and o.position = s.acked + 1)
                """);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var parked = reader.GetInt64(0);
            var oldest = reader.IsDBNull(1) ? TimeSpan.Zero : time.GetUtcNow() - reader.GetFieldValue<DateTimeOffset>(1);
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
