using Shop.Projector.Observation;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Projector.Summaries;

/// <summary>Sweeps once a second, so that no bucket is summed more often, however many orders it gets.</summary>
internal sealed partial class SummaryWorker(
    SummaryRecomputation summaries, ProjectorTelemetry telemetry, TimeProvider time, ILogger<SummaryWorker> logger) : BackgroundService
{
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pipeline = Pipelines.Forever("summaries", time, StoreFaults.IsStoreFault,
            (exception, delay) => StoreIsAway(logger, delay.TotalMilliseconds, exception.Message));
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do
            {
                telemetry.Recomputed(await pipeline.ExecuteAsync(async token => await summaries.SweepAsync(token), stoppingToken));
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for: what is dirty stays marked.
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The store is away; summing again in {DelayMilliseconds:F0} ms: {Why}")]
    private static partial void StoreIsAway(ILogger logger, double delayMilliseconds, string why);
}
