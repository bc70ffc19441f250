using System.Data;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Shop.Commands.Outbox;

/// <summary>
/// Keeps partitions attached ahead of the writers, drops those that every shard has passed for long enough, and clears group ids that no
/// writer can still be in doubt about.
/// </summary>
internal sealed partial class OutboxMaintenance(
    NpgsqlDataSource dataSource, OutboxHandOff handOff, IOptions<OutboxOptions> options, TimeProvider time, ILogger<OutboxMaintenance> logger)
    : BackgroundService
{
    private const int MaintenanceLock = 0x6b656570; // "keep"
    private static readonly TimeSpan GroupsKeptFor = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await handOff.ShardCount.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(options.Value.MaintenanceInterval, time);
        do
        {
            try
            {
                await RunOnceAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
            {
                // Two partitions ahead are a lot of work: the next round is soon enough.
                Log.Failed(logger, exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using (var extend = new NpgsqlCommand("select outbox_extend($1)", connection))
        {
            extend.Parameters.Add(new NpgsqlParameter<long> { TypedValue = options.Value.PartitionSize });
            await extend.ExecuteScalarAsync(cancellationToken);
        }

        // Group ids are version 7 UUIDs, so their order is the order of time and the primary key finds the old ones.
        await using (var clear = new NpgsqlCommand("delete from command_group where group_id < $1", connection))
        {
            clear.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7(time.GetUtcNow() - GroupsKeptFor) });
            await clear.ExecuteNonQueryAsync(cancellationToken);
        }

        await DropExpiredAsync(connection, cancellationToken);
    }

    private async Task DropExpiredAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var claim = new NpgsqlCommand($"select pg_try_advisory_lock({MaintenanceLock})", connection);
        if (!(bool)(await claim.ExecuteScalarAsync(cancellationToken))!) return;
        try
        {
            var expired = new List<(string Name, bool Detaching)>();
            await using (var list = new NpgsqlCommand("select partition_name, detaching from outbox_expired($1)", connection))
            {
                list.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = time.GetUtcNow() - options.Value.Retention });
                await using var reader = await list.ExecuteReaderAsync(cancellationToken);
                while (await reader.ReadAsync(cancellationToken)) expired.Add((reader.GetString(0), reader.GetBoolean(1)));
            }

            foreach (var (name, detaching) in expired)
            {
                // Concurrently: writers and readers go on while this waits for whoever still looks at the partition.
                await DetachAsync(connection, name, detaching ? "finalize" : "concurrently", cancellationToken);
                await using var drop = new NpgsqlCommand($"drop table \"{name}\"", connection);
                await drop.ExecuteNonQueryAsync(cancellationToken);
                Log.Dropped(logger, name);
            }
        }
        finally
        {
            // Sent even while stopping: the connection goes back to the pool and must not keep the lock. A broken one has lost it already.
            if (connection.State == ConnectionState.Open)
            {
                await using var release = new NpgsqlCommand($"select pg_advisory_unlock({MaintenanceLock})", connection);
                await release.ExecuteScalarAsync(CancellationToken.None);
            }
        }
    }

    // The name comes from the catalogue, which made it from a number; identifiers cannot be parameters.
    private static async Task DetachAsync(NpgsqlConnection connection, string name, string how, CancellationToken cancellationToken)
    {
        await using var detach = new NpgsqlCommand($"alter table outbox detach partition \"{name}\" {how}", connection);
        await detach.ExecuteNonQueryAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Outbox maintenance failed, it is tried again")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(LogLevel.Information, "Dropped the outbox partition {Name}: every shard has passed it for long enough")]
        public static partial void Dropped(ILogger logger, string name);
    }
}
