using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Shop.Projector.Observation;

namespace Shop.Projector.DeadLetters;

/// <summary>Counts the dead letters every half minute, for the metric <c>shop.projection.dead_letters.waiting</c> and for health.</summary>
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
        meters.Create(ProjectorTelemetry.Name).CreateObservableGauge(
            "shop.projection.dead_letters.waiting", () => waiting, "{event}", $"Dead letters that wait to be replayed or purged, counted up to {DeadLetterQueue.MostListed}.");
    }

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

    [LoggerMessage(1, LogLevel.Debug, "Dead letters cannot be counted: {Why}")]
    private static partial void CannotCount(ILogger logger, string why);
}
