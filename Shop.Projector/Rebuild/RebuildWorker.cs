using Microsoft.Extensions.Options;
using MongoDB.Bson;
using MongoDB.Driver;
using Polly;
using Shop.Contracts.Views;
using Shop.Projector.Projection;
using Shop.Projector.Summaries;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Reliability;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Projector.Rebuild;

/// <summary>
/// Takes a rebuild that nobody is at and brings it to its end. How far it is stands in the database, so whoever takes it over after a kill
/// goes on there; two at once would do the same guarded writes twice.
/// </summary>
internal sealed partial class RebuildWorker(
    ReadModels models, OrderProjection projection, WriteSideClient writeSide, ReadModelComparison comparison, RebuildSwitch generations,
    IOptions<RebuildOptions> options, TimeProvider time, ILogger<RebuildWorker> logger) : BackgroundService
{
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(1);

    /// <summary>Pages written at once: one is worked out while the store writes the other.</summary>
    private const int PagesAtOnce = 2;

    private readonly Guid owner = Guid.CreateVersion7();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pipeline = Pipelines.Forever("rebuild", time, IsOutage, (exception, delay) => Waiting(logger, delay.TotalMilliseconds, exception.Message));
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do await pipeline.ExecuteAsync(async token => await TakeAndRunAsync(token), stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for: another projector takes over when the lease ends.
        }
    }

    internal static bool IsOutage(Exception exception) => StoreFaults.IsStoreFault(exception) || exception is HttpRequestException or ExecutionRejectedException;

    private BsonDocument Mine(RebuildProgress progress) =>
        new() { { "_id", ReadModels.StateId }, { "owner", RebuildSwitch.Binary(owner) }, { "generation", progress.Generation }, { "phase", new BsonDocument("$in", Running) } };

    private static BsonArray Running => [RebuildPhase.Copying, RebuildPhase.Summing, RebuildPhase.Comparing];

    private async Task TakeAndRunAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var free = new BsonDocument
        {
            { "_id", ReadModels.StateId }, { "phase", new BsonDocument("$in", Running) },
            { "$or", new BsonArray { new BsonDocument("owner", RebuildSwitch.Binary(owner)), new BsonDocument("leaseUntil", new BsonDocument("$lt", now.UtcDateTime)) } },
        };
        var take = Set(new() { { "owner", RebuildSwitch.Binary(owner) }, { "leaseUntil", (now + options.Value.Lease).UtcDateTime } });
        // Asked for first, because a rebuild is rare and a write every second is not free.
        if (!await models.Rebuilds.Find(free).AnyAsync(cancellationToken)) return;
        if (await models.Rebuilds.FindOneAndUpdateAsync(
            free, take, new FindOneAndUpdateOptions<RebuildProgress> { ReturnDocument = ReturnDocument.After }, cancellationToken) is not { } taken) return;
        Taking(logger, taken.Generation, taken.Phase, taken.Kind, taken.After);

        using var lost = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reported = new Reported(taken.Kind, taken.Done, taken.Total);
        var lease = KeepLeaseAsync(taken, reported, lost);
        try
        {
            for (RebuildProgress? progress = taken; progress is not null && RebuildPhase.IsRunning(progress.Phase);)
                progress = await SaveAsync(await StepAsync(progress, reported, lost.Token), lost.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Lost(logger, taken.Generation);
        }
        finally
        {
            await lost.CancelAsync();
            await lease;
        }
    }

    private async Task<RebuildProgress> StepAsync(RebuildProgress progress, Reported reported, CancellationToken cancellationToken)
    {
        switch (progress.Phase)
        {
            case RebuildPhase.Copying:
                return await CopyAsync(progress, cancellationToken);
            case RebuildPhase.Summing:
                await SummaryRecomputation.SweepAsync(models.Generation(progress.Generation), cancellationToken);
                return progress with { Phase = RebuildPhase.Comparing, Done = 0 };
            default:
                reported.IsComparing = true;
                var report = await comparison.RunAsync(progress.Generation, reported.Set, cancellationToken);
                Compared(logger, progress.Generation, report.Checked, report.Missing, report.Extra, report.Different);
                var flipped = report.IsEqual() && await generations.FlipAsync(progress.Generation, cancellationToken);
                CrashPoint.Reached(CrashPoint.MidFlip);
                return progress with { Phase = flipped ? RebuildPhase.Live : RebuildPhase.Different, Report = report, Done = reported.Total, Total = reported.Total };
        }
    }

    /// <summary>Page by page through the projection: some are written while the next one is on its way. Progress is saved in their order.</summary>
    private async Task<RebuildProgress> CopyAsync(RebuildProgress progress, CancellationToken cancellationToken)
    {
        Queue<(Task Applied, RebuildProgress Reached)> underWay = new();
        var next = writeSide.PageAsync(progress.Kind, progress.After, cancellationToken);
        try
        {
            while (true)
            {
                var page = await next;
                if (page.Next is { } after) next = writeSide.PageAsync(progress.Kind, after, cancellationToken);
                progress = progress with { Done = progress.Done + page.States.Count, After = page.Next ?? "" };
                underWay.Enqueue((ApplyAsync(page, progress, cancellationToken), progress));
                while (underWay.Count >= (page.Next is null ? 1 : PagesAtOnce))
                {
                    await underWay.Peek().Applied;
                    CrashPoint.Reached(CrashPoint.MidCopy);
                    var (_, reached) = underWay.Dequeue();
                    if (reached.After.Length > 0 && await SaveAsync(reached, cancellationToken) is null) throw new OperationCanceledException();
                }

                if (page.Next is not null) continue;
                return RebuildSources.After(progress.Kind) is { } kind
                    ? progress with { Kind = kind, After = "" }
                    : progress with { Phase = RebuildPhase.Summing };
            }
        }
        finally
        {
            // Nothing goes on behind the back of whoever takes over.
            await Task.WhenAll([next, .. underWay.Select(page => page.Applied)]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ApplyAsync(SnapshotPage page, RebuildProgress progress, CancellationToken cancellationToken)
    {
        var type = RebuildSources.EventTypeOf(progress.Kind);
        var batch = new ProjectionBatch([.. page.States.Select(state => new IncomingEvent(type, state))]);
        await foreach (var _ in projection.ApplyAsync(batch, [models.Generation(progress.Generation)], cancellationToken)) { }
        if (batch.Poison.Count > 0) CannotApply(logger, batch.Poison.Count, progress.Kind, batch.Poison.First().Value.Description);
    }

    /// <summary>Null when it is no longer ours: given up, or taken by another projector because the lease had ended.</summary>
    private async Task<RebuildProgress?> SaveAsync(RebuildProgress progress, CancellationToken cancellationToken)
    {
        BsonDocument fields = new()
        {
            { "phase", progress.Phase }, { "kind", progress.Kind }, { "after", progress.After }, { "done", progress.Done }, { "total", progress.Total },
        };
        if (progress.Report is { } report) fields.Add("report", report.ToBsonDocument());
        return (await models.Rebuilds.UpdateOneAsync(Mine(progress), Set(fields), cancellationToken: cancellationToken)).MatchedCount == 1 ? progress : null;
    }

    private async Task KeepLeaseAsync(RebuildProgress taken, Reported reported, CancellationTokenSource lost)
    {
        var pipeline = Pipelines.Forever("rebuild-lease", time, IsOutage, static (_, _) => { });
        using var timer = new PeriodicTimer(options.Value.Lease / 10, time);
        try
        {
            while (await timer.WaitForNextTickAsync(lost.Token))
            {
                BsonDocument fields = new("leaseUntil", (time.GetUtcNow() + options.Value.Lease).UtcDateTime);
                if (reported.IsComparing) fields.AddRange(new BsonDocument { { "kind", reported.Kind }, { "done", reported.Done }, { "total", reported.Total } });
                var renewed = await pipeline.ExecuteAsync(
                    async token => await models.Rebuilds.UpdateOneAsync(Mine(taken), Set(fields), cancellationToken: token), lost.Token);
                if (renewed.MatchedCount == 0) await lost.CancelAsync();
            }
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested)
        {
            // The work is done, or no longer ours.
        }
    }

    private static UpdateDefinition<RebuildProgress> Set(BsonDocument fields) => new BsonDocument("$set", fields);

    /// <summary>What a running comparison says, for the one who keeps the lease to write down.</summary>
    private sealed class Reported(string kind, long done, long total)
    {
        public volatile bool IsComparing;

        public string Kind { get; private set; } = kind;

        public long Done { get; private set; } = done;

        public long Total { get; private set; } = total;

        public void Set(string kind, long done, long total) => (Kind, Done, Total) = (kind, done, total);
    }

    [LoggerMessage(1, LogLevel.Information, "Rebuilding generation {Generation}: {Phase} {Kind} after '{After}'.")]
    private static partial void Taking(ILogger logger, int generation, string phase, string kind, string after);

    [LoggerMessage(2, LogLevel.Warning, "The rebuild waits {DelayMilliseconds:F0} ms: {Why}")]
    private static partial void Waiting(ILogger logger, double delayMilliseconds, string why);

    [LoggerMessage(3, LogLevel.Information, "The rebuild of generation {Generation} was given up or taken over.")]
    private static partial void Lost(ILogger logger, int generation);

    [LoggerMessage(4, LogLevel.Information, "Generation {Generation} against the write side: {Checked} checked, {Missing} missing, {Extra} extra, {Different} different.")]
    private static partial void Compared(ILogger logger, int generation, long @checked, long missing, long extra, long different);

    [LoggerMessage(5, LogLevel.Error, "{Count} states of {Kind} cannot be applied: {Why}")]
    private static partial void CannotApply(ILogger logger, int count, string kind, string why);
}
