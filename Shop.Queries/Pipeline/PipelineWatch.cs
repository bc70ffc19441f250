using Shop.Contracts.Views;

namespace Shop.Queries.Pipeline;

/// <summary>
/// Reads the pipeline once a second for everybody who looks, whatever their number, and not at all when nobody has looked for a while.
/// </summary>
internal sealed class PipelineWatch(PipelineProbe probe, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan step = TimeSpan.FromSeconds(1);

    /// <summary>So long after the last look the readings go on: a page that is loaded again finds its chart without a gap.</summary>
    private static readonly TimeSpan attention = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan memory = TimeSpan.FromMinutes(5);

    /// <summary>A reading that is older than this is not shown as if it were of now.</summary>
    private static readonly TimeSpan fresh = PipelineProbe.Patience + (2 * step);

    private readonly Lock gate = new();
    private readonly SemaphoreSlim somebodyLooks = new(0, 1);
    private readonly Queue<PipelineSample> samples = new();
    private TaskCompletionSource<PipelineReport> next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PipelineReport? latest;
    private long latestAt;
    private long lookedAt;

    /// <summary>How often the services were asked, for tests.</summary>
    internal int Readings { get; private set; }

    /// <param name="after">Only samples that are newer, in milliseconds since 1970.</param>
    /// <param name="cancellationToken">Ends the wait for a reading.</param>
    public async Task<PipelineReport> LookAsync(long after, CancellationToken cancellationToken)
    {
        Task<PipelineReport> reading;
        lock (gate)
        {
            lookedAt = time.GetTimestamp();
            if (somebodyLooks.CurrentCount == 0) somebodyLooks.Release();
            reading = latest is not null && time.GetElapsedTime(latestAt) < fresh ? Task.FromResult(latest) : next.Task;
        }

        var report = await reading.WaitAsync(cancellationToken);
        lock (gate) return report with { Samples = [.. samples.Where(sample => sample.At > after)] };
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await somebodyLooks.WaitAsync(stoppingToken);
                while (IsLookedAt())
                {
                    Keep(await probe.ReadAsync(stoppingToken));
                    await Task.Delay(step, time, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for: whoever waits for a reading gets the end of his request.
        }
    }

    public override void Dispose()
    {
        somebodyLooks.Dispose();
        base.Dispose();
    }

    /// <summary>Null while nothing flows: what the last event took, perhaps an hour ago, is no lag of now.</summary>
    private static LagReport? Flowing(LagReport? lag) => lag is { Events: 0, Now: < 10 } ? null : lag;

    private bool IsLookedAt()
    {
        lock (gate) return time.GetElapsedTime(lookedAt) < attention;
    }

    private void Keep(PipelineReport report)
    {
        TaskCompletionSource<PipelineReport> waiting;
        lock (gate)
        {
            var now = time.GetUtcNow();
            samples.Enqueue(new(now.ToUnixTimeMilliseconds(), Flowing(report.Lag)?.Now, report.Lag?.P99, report.Backlog?.Depth));
            while (samples.Peek().At < (now - memory).ToUnixTimeMilliseconds()) samples.Dequeue();
            (latest, latestAt) = (report, time.GetTimestamp());
            (waiting, next) = (next, new(TaskCreationOptions.RunContinuationsAsynchronously));
            Readings++;
        }

        waiting.SetResult(report);
    }
}
