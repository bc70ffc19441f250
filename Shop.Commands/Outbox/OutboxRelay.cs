using Npgsql;
using Shop.Commands.Observation;
using Shop.ServiceDefaults.Messaging;
#if SEEDED_BUGS
using Shop.ServiceDefaults.Reliability;
#endif
using Shop.ServiceDefaults.Resilience;

namespace Shop.Commands.Outbox;

/// <summary>Sends events in the order given and says for each what became of it; see <see cref="EventPublisher.PublishAsync"/>.</summary>
internal delegate ValueTask<PublishResult[]> PublishEvents(IReadOnlyList<CloudEvent> events, CancellationToken cancellationToken);

/// <summary>
/// Leads as many shards as it can get: one session advisory lock per shard, all on one dedicated connection. Losing the connection loses the
/// lead; a former leader that does not know it yet can only publish duplicates, and its acknowledgements are true.
/// </summary>
internal sealed partial class OutboxRelay(
    NpgsqlDataSource dataSource, IConfiguration configuration, PublishEvents publishAsync, OutboxHandOff handOff, WriteSideTelemetry telemetry, TimeProvider time,
    ILoggerFactory loggers)
    : BackgroundService
{
    public const string Topic = "shop-events";
    public const string WakeChannel = "shop_outbox";
    private const int LeaderLock = 0x6c656164; // "lead"
    private static readonly TimeSpan Ping = TimeSpan.FromSeconds(1);

    // A leader that is frozen is dropped by the server, which frees its locks: another instance leads within seconds.
    private const string SessionOptions = "-c idle_session_timeout=4000";

    private readonly ILogger logger = loggers.CreateLogger<OutboxRelay>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var shardCount = await handOff.ShardCount.WaitAsync(stoppingToken);
        var forever = Pipelines.Forever("relay-leadership", time, IsOutage, (exception, delay) => Log.LeadLost(logger, exception, delay));
        var notifying = NotifyAsync(stoppingToken);
        try
        {
            await forever.ExecuteAsync(async token => await LeadAsync(shardCount, token), stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            Log.Stopped(logger);
        }

        await notifying;
    }

    private async Task LeadAsync(int shardCount, CancellationToken stoppingToken)
    {
        var connectionString = new NpgsqlConnectionStringBuilder(configuration.GetConnectionString("shopdb"))
        {
            Pooling = false, KeepAlive = 0, Options = SessionOptions, ApplicationName = "shop-relay-leader",
        };
        await using var connection = new NpgsqlConnection(connectionString.ConnectionString);
        connection.Notification += (_, notification) =>
        {
            if (int.TryParse(notification.Payload, out var shard) && shard >= 0 && shard < shardCount) handOff.Slot(shard).Wake();
        };
        await connection.OpenAsync(stoppingToken);
        await using (var listen = new NpgsqlCommand($"listen {WakeChannel}", connection)) await listen.ExecuteNonQueryAsync(stoppingToken);

        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var led = new Dictionary<int, Task>();
        try
        {
            while (true)
            {
                await TakeFreeShardsAsync(connection, shardCount, led, lost.Token);
                if (led.Values.FirstOrDefault(task => task.IsCompleted) is { } ended) await ended;
                await connection.WaitAsync(Ping, stoppingToken);
            }
        }
        finally
        {
            await lost.CancelAsync();
            await Task.WhenAll(led.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Also the ping: a statement every second tells a lost connection, and keeps the session from being idle for too long.
    private async Task TakeFreeShardsAsync(
        NpgsqlConnection connection, int shardCount, Dictionary<int, Task> led, CancellationToken cancellationToken)
    {
        var free = Enumerable.Range(0, shardCount).Where(shard => !led.ContainsKey(shard)).ToArray();
        await using var take = new NpgsqlCommand("select shard, pg_try_advisory_lock($1, shard) from unnest($2) as shard", connection) { CommandTimeout = 3 };
#if SEEDED_BUGS
        if (SeededBug.IsOn(SeededBug.NoLeadership)) take.CommandText = "select shard, $1 <> 0 from unnest($2) as shard";
#endif
        take.Parameters.Add(new NpgsqlParameter<int> { TypedValue = LeaderLock });
        take.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = free });
        var won = new List<int>();
        await using (var reader = await take.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                if (reader.GetBoolean(1)) won.Add(reader.GetInt32(0));
            }
        }

        foreach (var shard in won)
        {
            Log.Leading(logger, shard);
            var relay = new ShardRelay(shard, handOff.Slot(shard), new OutboxTable(shard, dataSource, time), publishAsync, telemetry, time, loggers.CreateLogger<ShardRelay>());
            led.Add(shard, Task.Run(() => relay.RunAsync(cancellationToken), cancellationToken));
        }
    }

    // NOTIFY comes after the commit: inside the transaction it would serialise all commits of the database.
    private async Task NotifyAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await handOff.Notifications.WaitToReadAsync(stoppingToken))
                {
                    var shards = new HashSet<int>();
                    while (handOff.Notifications.TryRead(out var shard)) shards.Add(shard);
                    await using var notify = dataSource.CreateCommand("select pg_notify($1, shard::text) from unnest($2) as shard");
                    notify.Parameters.Add(new NpgsqlParameter<string> { TypedValue = WakeChannel });
                    notify.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. shards] });
                    await notify.ExecuteNonQueryAsync(stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (NpgsqlException exception)
            {
                // The leader polls as well: a lost wake-up costs it a second at most.
                Log.NotNotified(logger, exception);
            }
        }
    }

    private static bool IsOutage(Exception exception) => exception is NpgsqlException or TimeoutException or IOException;

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Leading shard {Shard}")]
        public static partial void Leading(ILogger logger, int shard);

        [LoggerMessage(LogLevel.Warning, "The lead of all shards is lost; next try in {Delay}")]
        public static partial void LeadLost(ILogger logger, Exception exception, TimeSpan delay);

        [LoggerMessage(LogLevel.Warning, "The leader elsewhere could not be notified")]
        public static partial void NotNotified(ILogger logger, Exception exception);

        [LoggerMessage(LogLevel.Information, "The relay has stopped")]
        public static partial void Stopped(ILogger logger);
    }
}
