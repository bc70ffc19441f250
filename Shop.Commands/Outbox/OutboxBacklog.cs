using Npgsql;

namespace Shop.Commands.Outbox;

/// <summary>What the outbox of the whole database still holds back.</summary>
/// <param name="Depth">Events committed and not yet accepted by the broker.</param>
/// <param name="OldestAge">How long the oldest of them has waited; zero when there is none.</param>
/// <param name="Parked">Events put aside until somebody replays them.</param>
internal sealed record OutboxBacklog(long Depth, TimeSpan OldestAge, long Parked)
{
    /// <summary>Looks at two rows per shard, both by primary key, however much waits.</summary>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public static async Task<OutboxBacklog> ReadAsync(NpgsqlDataSource dataSource, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            select coalesce(sum(greatest(coalesce(head.position, 0) - s.acked, 0)), 0)::bigint, min(next.occurred_at), (select count(*) from outbox_parked)
            from outbox_shard s
            left join lateral (select o.position from outbox o where o.shard = s.shard order by o.position desc limit 1) head on true
            left join lateral (select o.occurred_at from outbox o where o.shard = s.shard and o.position = s.acked + 1) next on true
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var oldest = reader.IsDBNull(1) ? TimeSpan.Zero : time.GetUtcNow() - reader.GetFieldValue<DateTimeOffset>(1);
        return new(reader.GetInt64(0), oldest > TimeSpan.Zero ? oldest : TimeSpan.Zero, reader.GetInt64(2));
    }
}
