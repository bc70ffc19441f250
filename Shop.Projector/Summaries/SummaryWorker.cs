using Shop.Projector.Observation;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Projector.Summaries;

/// <summary>
/// Sweeps once a second, so that no bucket is summed more often, however many orders it gets. When sweeps take long, pauses become longer:
/// summing takes no more than a fifth of the time from projecting, and whoever says what he has seen gets it summed for him.
/// </summary>
internal sealed partial class SummaryWorker(
    SummaryRecomputation summaries, ProjectorTelemetry telemetry, TimeProvider time, ILogger<SummaryWorker> logger) : BackgroundService
{
    private static readonly TimeSpan shortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(30);

    /// <summary>A pause is as many times as long as the sweep before it.</summary>
    private const int PausePerSweep = 4;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pipeline = Pipelines.Forever("summaries", time, StoreFaults.IsStoreFault,
            (exception, delay) => StoreIsAway(logger, delay.TotalMilliseconds, exception.Message));
        try
        {
            while (true)
            {
                var began = time.GetTimestamp();
                telemetry.Recomputed(await pipeline.ExecuteAsync(async token => await summaries.SweepAsync(token), stoppingToken));
                await Task.Delay(PauseAfter(time.GetElapsedTime(began)), time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for: what is dirty stays marked.
        }
    }

    internal static TimeSpan PauseAfter(TimeSpan sweep) =>
        sweep * PausePerSweep is var pause && pause < shortestPause ? shortestPause : pause < longestPause ? pause : longestPause;

    [LoggerMessage(1, LogLevel.Warning, "The store is away; summing again in {DelayMilliseconds:F0} ms: {Why}")]
    private static partial void StoreIsAway(ILogger logger, double delayMilliseconds, string why);
}
