using Npgsql;

namespace Shop.Commands.Outbox;

/// <summary>Keeps partitions attached ahead of the writers and clears group ids that no writer can still be in doubt about.</summary>
internal sealed partial class OutboxMaintenance(NpgsqlDataSource dataSource, OutboxHandOff handOff, TimeProvider time, ILogger<OutboxMaintenance> logger)
    : BackgroundService
{
    private const long PartitionSize = 1_000_000;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan GroupsKeptFor = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await handOff.ShardCount.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await RunOnceAsync(stoppingToken);
            }
            catch (NpgsqlException exception)
            {
                // Two partitions ahead are hours of work: the next round is soon enough.
                Log.Failed(logger, exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        await using var extend = dataSource.CreateCommand("select outbox_extend($1)");
        extend.Parameters.Add(new NpgsqlParameter<long> { TypedValue = PartitionSize });
        await extend.ExecuteScalarAsync(cancellationToken);

        // Group ids are version 7 UUIDs, so their order is the order of time and the primary key finds the old ones.
        await using var clear = dataSource.CreateCommand("delete from command_group where group_id < $1");
        clear.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7(time.GetUtcNow() - GroupsKeptFor) });
        await clear.ExecuteNonQueryAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Outbox maintenance failed, it is tried again")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
