using Npgsql;
using Shop.Commands.Observation;

namespace Shop.Commands.Outbox;

/// <summary>Reads the backlog every few seconds, so that neither a scrape nor an export costs a query.</summary>
internal sealed partial class OutboxWatch(
    NpgsqlDataSource dataSource, OutboxHandOff handOff, WriteSideTelemetry telemetry, TimeProvider time, ILogger<OutboxWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        telemetry.StartCounters();
        try
        {
            await handOff.ShardCount.WaitAsync(stoppingToken);
            using var timer = new PeriodicTimer(Interval, time);
            do telemetry.ObserveBacklog(await TryReadAsync(stoppingToken));
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            telemetry.ObserveBacklog(null);
        }
    }

    private async Task<OutboxBacklog?> TryReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await OutboxBacklog.ReadAsync(dataSource, time, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            Log.NotRead(logger, exception.Message);
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "The outbox's backlog is not known: {Why}")]
        public static partial void NotRead(ILogger logger, string why);
    }
}
