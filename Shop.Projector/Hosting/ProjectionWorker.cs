using MongoDB.Bson;
using MongoDB.Driver;
using Polly;
using Shop.Projector.Observation;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Messaging;
using Shop.ServiceDefaults.Reliability;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Projector.Hosting;

/// <summary>
/// Receives, projects, settles, for ever. While the store is away it takes no messages and gives back those in hand, so that no lock runs
/// out and nothing is dead-lettered for a fault that is not its own.
/// </summary>
internal sealed partial class ProjectionWorker(
    BusClient bus, OrderProjection projection, ReadModels models, ProjectorTelemetry telemetry, ProjectionStatus status,
    IHostApplicationLifetime lifetime, TimeProvider time, ILogger<ProjectionWorker> logger) : BackgroundService
{
    /// <summary>One bulk write's worth: larger ones gain nothing and make the first event of a batch wait for the last.</summary>
    public const int MaxBatch = 500;

    /// <summary>
    /// Batches at work at once while the projector keeps up: what comes meanwhile is the next one. A batch costs five commands whatever its size,
    /// so a second at the same time would only make both smaller.
    /// </summary>
    public const int Workers = 1;

    /// <summary>
    /// So many more while there is a backlog, each for one batch: whoever gets a full one knows that more are waiting. Then one is received and
    /// worked out while the store writes another. They may be about the same orders; that is what several projectors do too.
    /// </summary>
    public const int Helpers = 2;

    /// <summary>What is at work and one batch more, which is as much as a receiver may hold.</summary>
    private const int Prefetch = (Workers + Helpers + 1) * MaxBatch;

    /// <summary>For the batch in hand at a stop; the rest of the shutdown budget is for giving back messages.</summary>
    private static readonly TimeSpan lastBatchBudget = Pipelines.ShutdownBudget / 2;

    private readonly string instance = Guid.CreateVersion7().ToString("N");
    private readonly SemaphoreSlim backlog = new(0);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var untilWell = Pipelines.Forever("projection", time, StoreFaults.IsStoreFault, (exception, delay) =>
        {
            status.StoreIsAway();
            StoreIsAway(logger, delay.TotalMilliseconds, exception.Message);
        });
        try
        {
            await untilWell.ExecuteAsync(async token => { await ReadModelSetup.CreateAsync(models, token); }, stoppingToken);
            status.StoreIsBack();
            await using var receiver = bus.CreateReceiver(
                ProjectorSubscription.Topic, ProjectorSubscription.Name, new EventReceiverOptions { Prefetch = Prefetch });
            var recovery = new StoreRecovery(token => WaitForStoreAsync(untilWell, token), receiver.ResumeAsync);
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAll(Enumerable.Range(0, Workers + Helpers).Select(number => WorkAsync(receiver, number >= Workers, recovery, ending)));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A stop was asked for; disposing the receiver has given back what was not settled.
        }
        catch (UnknownSchemaException exception)
        {
            SchemaIsUnknown(logger, exception);
            lifetime.StopApplication();
        }
    }

    /// <summary>One that ends, for whatever reason, ends the others.</summary>
    private async Task WorkAsync(EventReceiver receiver, bool isHelper, StoreRecovery recovery, CancellationTokenSource ending)
    {
        try
        {
            while (true)
            {
                if (isHelper) await backlog.WaitAsync(ending.Token);
                var batch = await receiver.ReceiveBatchAsync(MaxBatch, ending.Token);
                if (batch.Count == MaxBatch && backlog.CurrentCount < Helpers) backlog.Release();
                if (!await TryProjectAsync(receiver, batch, ending.Token)) await recovery.WaitAsync(ending.Token);
            }
        }
        finally
        {
            await ending.CancelAsync();
        }
    }

    /// <summary>False when the store failed: the batch was given back.</summary>
    private async Task<bool> TryProjectAsync(EventReceiver receiver, IReadOnlyList<ReceivedEvent> received, CancellationToken stoppingToken)
    {
        // What is in hand is finished after a stop was asked for, within a budget.
        using var inHand = new CancellationTokenSource();
        await using var stop = stoppingToken.Register(() => inHand.CancelAfter(lastBatchBudget));
        using var spans = ProjectorTelemetry.Start(received);
        var inHandSince = status.Received(received.Min(message => message.Time == default ? time.GetUtcNow() : message.Time));
        var batch = new ProjectionBatch([.. received.Select(message => new IncomingEvent(message.Type, message.Data, message.FormatError))]);
#if SEEDED_BUGS
        if (SeededBug.IsOn(SeededBug.SettleBeforeStore)) await receiver.CompleteAsync(received, CancellationToken.None);
#endif
        try
        {
            await foreach (var step in projection.ApplyAsync(batch, inHand.Token))
                if (step == ProjectionStep.Visible) RecordLag(received, batch);
        }
        catch (Exception exception) when (StoreFaults.IsStoreFault(exception))
        {
            spans.Failed(exception.Message);
            status.StoreIsAway();
            GivingBack(logger, received.Count, exception.Message);
            await receiver.PauseAsync();
            await receiver.ReleaseAsync(received, CancellationToken.None);
            status.GivenBack(inHandSince);
            return false;
        }

        CrashPoint.Reached(CrashPoint.AfterStoreBeforeSettle);
        await SettleAsync(receiver, received, batch);
        status.BatchDone(inHandSince);
        return true;
    }

    private async Task SettleAsync(EventReceiver receiver, IReadOnlyList<ReceivedEvent> received, ProjectionBatch batch)
    {
        if (batch.Poison.Count == 0)
        {
            await receiver.CompleteAsync(received, CancellationToken.None);
            return;
        }

        ReceivedEvent[] done = [.. received.Where((_, index) => !batch.Poison.ContainsKey(index))];
        await receiver.CompleteAsync(done, CancellationToken.None);
        foreach (var (index, poison) in batch.Poison)
        {
            DeadLettering(logger, received[index].Id, received[index].Type, poison.Reason, poison.Description);
            telemetry.DeadLettered(poison.Reason);
            await receiver.DeadLetterAsync(received[index], poison.Reason, poison.Description, CancellationToken.None);
        }
    }

    /// <summary>A store is back when it takes a write: one that answers pings may still refuse those.</summary>
    private async Task WaitForStoreAsync(ResiliencePipeline untilWell, CancellationToken stoppingToken)
    {
        var probes = models.Database.GetCollection<BsonDocument>("projector_probes");
        var probe = new BsonDocument { { "_id", instance }, { "at", time.GetUtcNow().UtcDateTime } };
        await untilWell.ExecuteAsync(
            async token =>
            {
                await probes.ReplaceOneAsync(new BsonDocument("_id", instance), probe, new ReplaceOptions { IsUpsert = true }, token);
                await probes.DeleteOneAsync(new BsonDocument("_id", instance), token);
            },
            stoppingToken);
        status.StoreIsBack();
        StoreIsBack(logger);
    }

    private void RecordLag(IReadOnlyList<ReceivedEvent> received, ProjectionBatch batch)
    {
        var now = time.GetUtcNow();
        for (var index = 0; index < received.Count; index++)
        {
            if (batch.Poison.ContainsKey(index) || received[index].Time == default) continue;
            // Two machines' clocks may differ by more than the pipeline needs.
            var took = now > received[index].Time ? now - received[index].Time : TimeSpan.Zero;
            status.Projected(took);
            telemetry.Projected(received[index], took);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The store is away; trying again in {DelayMilliseconds:F0} ms: {Why}")]
    private static partial void StoreIsAway(ILogger logger, double delayMilliseconds, string why);

    [LoggerMessage(2, LogLevel.Warning, "The store failed; giving back {Count} messages and taking no more until it works again: {Why}")]
    private static partial void GivingBack(ILogger logger, int count, string why);

    [LoggerMessage(3, LogLevel.Information, "The store works again.")]
    private static partial void StoreIsBack(ILogger logger);

    [LoggerMessage(4, LogLevel.Error, "Dead-lettering {EventId} of the type {Type}: {Reason}: {Description}")]
    private static partial void DeadLettering(ILogger logger, Guid eventId, string type, string reason, string description);

    [LoggerMessage(5, LogLevel.Critical, "Stopping: another projector writes what this one does not know.")]
    private static partial void SchemaIsUnknown(ILogger logger, Exception exception);
}
