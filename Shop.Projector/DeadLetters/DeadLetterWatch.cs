using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Shop.Projector.Observation;
using Shop.ServiceDefaults.Observability;

namespace Shop.Projector.DeadLetters;

/// <summary>Looks at the dead letters every half minute: counts them for health and a metric, and replays those that an older projector did not know.</summary>
internal sealed partial class DeadLetterWatch : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(30);
    private readonly DeadLetterQueue queue;
    private readonly ILogger<DeadLetterWatch> logger;
    private readonly SemaphoreSlim soon = new(0, 1);
    private volatile int waiting;

    public DeadLetterWatch(DeadLetterQueue queue, IMeterFactory meters, ILogger<DeadLetterWatch> logger)
    {
        (this.queue, this.logger) = (queue, logger);
        meters.Create(ProjectorTelemetry.Name).ObserveGauge<long>(ShopMetrics.ProjectionDeadLettersWaiting, () => [new(waiting)]);
    }

    /// <summary>As of the last count.</summary>
    public int Waiting => waiting;

    /// <summary>Something has changed: the next look is now.</summary>
    public void LookSoon()
    {
        if (soon.CurrentCount > 0) return;
        try
        {
            soon.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody else asked at the same moment: one look serves both.
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(waiting == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"{waiting}{(waiting == DeadLetterQueue.MostListed ? " or more" : "")} dead letters wait to be replayed or purged."));

    public override void Dispose()
    {
        soon.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                try
                {
                    waiting = await queue.CountAsync(stoppingToken);
                    if (waiting > 0 && await queue.ReplayKnownAsync(stoppingToken) is > 0 and var replayed)
                    {
                        Replayed(logger, replayed);
                        waiting = await queue.CountAsync(stoppingToken);
                    }
                }
                catch (IOException exception)
                {
                    // The bus has a health check of its own; what is known stays true until the broker can be asked again.
                    CannotCount(logger, exception.Message);
                }

                await soon.WaitAsync(interval, stoppingToken);
            }
        }
        catch (NotSupportedException exception)
        {
            CannotCount(logger, exception.Message);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for; there is nothing in hand.
        }
    }

    [LoggerMessage(2, LogLevel.Information, "Replayed {Count} events that a projector older than this one did not know.")]
    private static partial void Replayed(ILogger logger, int count);

    [LoggerMessage(1, LogLevel.Debug, "Dead letters cannot be counted: {Why}")]
    private static partial void CannotCount(ILogger logger, string why);
}
