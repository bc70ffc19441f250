using System.Threading.Channels;
using Npgsql;

namespace Shop.Commands.Outbox;

/// <summary>One shard's rows as its relay sees them.</summary>
internal sealed class OutboxTable(int shard, NpgsqlDataSource dataSource, TimeProvider time)
{
    public async Task<long> ReadAckedAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("select acked from outbox_shard where shard = $1");
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)shard });
        return (long)(await command.ExecuteScalarAsync(cancellationToken)
            ?? throw new InvalidOperationException($"The database has no shard {shard}."));
    }

    /// <summary>The rows after a position, in order.</summary>
    /// <exception cref="InvalidOperationException">A position is missing: the log is damaged, and going on would lose an event silently.</exception>
    public async Task<List<OutboxEvent>> ReadAfterAsync(long position, int limit, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            select position, event_id, type, subject, version, occurred_at, traceparent, data
            from outbox where shard = $1 and position > $2 order by position limit $3
            """);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)shard });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var rows = new List<OutboxEvent>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = new OutboxEvent(shard, reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetString(3), reader.GetInt32(4),
                reader.GetFieldValue<DateTimeOffset>(5), reader.IsDBNull(6) ? null : reader.GetString(6), reader.GetFieldValue<byte[]>(7));
            if (row.Position != position + 1)
                throw new InvalidOperationException($"Shard {shard} of the outbox has position {row.Position} after {position}: something is missing.");
            position = row.Position;
            rows.Add(row);
        }

        return rows;
    }

    /// <summary>
    /// Writes the highest acknowledged position whenever there is a new one, until the channel is completed. A write that fails is made up for
    /// by the next one; at worst the tail is published again.
    /// </summary>
    public async Task SaveAcknowledgementsAsync(ChannelReader<long> acknowledgements)
    {
        await foreach (var acked in acknowledgements.ReadAllAsync())
        {
            await using var command = dataSource.CreateCommand("update outbox_shard set acked = greatest(acked, $2) where shard = $1");
            command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)shard });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = acked });
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>Keeps an event that the broker refused for good.</summary>
    public async Task ParkAsync(OutboxEvent refused, string reason, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            insert into outbox_parked (event_id, shard, position, type, subject, version, occurred_at, traceparent, data, reason, parked_at)
            select event_id, shard, position, type, subject, version, occurred_at, traceparent, data, $3, $4
            from outbox where shard = $1 and position = $2
            on conflict (event_id) do nothing
            """);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)shard });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = refused.Position });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = reason });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = time.GetUtcNow() });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
