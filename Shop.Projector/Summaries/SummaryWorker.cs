using Shop.Projector.Observation;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Projector.Summaries;

/// <summary>
/// Sweeps at most once a second, so that no bucket is summed more often, however many orders it gets. It rests after every command for several
/// times as long as that took: summing takes no more than a tenth of the time from projecting, and never much of it at once. Whoever says what
/// he has seen gets it summed for him.
/// </summary>
internal sealed partial class SummaryWorker(
    SummaryRecomputation summaries, ProjectorTelemetry telemetry, TimeProvider time, ILogger<SummaryWorker> logger) : BackgroundService
{
    private static readonly TimeSpan pause = TimeSpan.FromSeconds(1);

    /// <summary>What took very long waited for something, a store that was away for example.</summary>
    private static readonly TimeSpan longestRest = TimeSpan.FromSeconds(1);

    /// <summary>Shorter ones are put off until they are worth a timer.</summary>
    private static readonly TimeSpan shortestRest = TimeSpan.FromMilliseconds(10);

    /// <summary>A rest is as many times as long as the work before it.</summary>
    private const int RestPerWork = 9;

    private long workingSince;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pipeline = Pipelines.Forever("summaries", time, StoreFaults.IsStoreFault,
            (exception, delay) => StoreIsAway(logger, delay.TotalMilliseconds, exception.Message));
        try
        {
            while (true)
            {
                workingSince = time.GetTimestamp();
                telemetry.Recomputed(await pipeline.ExecuteAsync(async token => await summaries.SweepAsync(RestAsync, token), stoppingToken));
                await Task.Delay(pause, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for: what is dirty stays marked.
        }
    }

    private async Task RestAsync(CancellationToken cancellationToken)
    {
        var rest = time.GetElapsedTime(workingSince) * RestPerWork;
        if (rest < shortestRest) return;
        await Task.Delay(rest < longestRest ? rest : longestRest, time, cancellationToken);
        workingSince = time.GetTimestamp();
    }

    [LoggerMessage(1, LogLevel.Warning, "The store is away; summing again in {DelayMilliseconds:F0} ms: {Why}")]
    private static partial void StoreIsAway(ILogger logger, double delayMilliseconds, string why);
}
