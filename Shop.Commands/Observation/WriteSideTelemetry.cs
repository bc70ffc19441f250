using System.Diagnostics;
using System.Diagnostics.Metrics;
using Shop.Commands.Deciding;
using Shop.Commands.Outbox;
using Shop.ServiceDefaults.Messaging;
using Shop.ServiceDefaults.Observability;

namespace Shop.Commands.Observation;

/// <summary>What the write side tells OpenTelemetry. Nothing here waits or asks the database: <see cref="OutboxWatch"/> does, now and then.</summary>
internal sealed class WriteSideTelemetry
{
    /// <summary>Backends cut a span's links at this number.</summary>
    private const int MaxLinks = 128;

    private static readonly ActivitySource source = new(ShopMetrics.Commands);
    private readonly TimeProvider time;
    private readonly Counter<long> decided;
    private readonly Counter<long> refused;
    private readonly Counter<long> published;
    private readonly Counter<long> parked;
    private readonly Histogram<int> groupSize;
    private readonly Histogram<double> decideDuration;
    private readonly Histogram<double> commitDuration;
    private readonly Histogram<double> relayDelay;
    private volatile GroupIntake? intake;
    private volatile OutboxBacklog? backlog;

    public WriteSideTelemetry(IMeterFactory meters, OutboxHandOff handOff, TimeProvider time)
    {
        this.time = time;
        var meter = meters.Create(ShopMetrics.Commands);
        decided = meter.CreateCounter(ShopMetrics.CommandsDecided);
        refused = meter.CreateCounter(ShopMetrics.CommandsRefused);
        published = meter.CreateCounter(ShopMetrics.RelayPublished);
        parked = meter.CreateCounter(ShopMetrics.RelayParked);
        groupSize = meter.CreateHistogram<int>(ShopMetrics.GroupSize);
        decideDuration = meter.CreateHistogram<double>(ShopMetrics.DecideDuration);
        commitDuration = meter.CreateHistogram<double>(ShopMetrics.CommitDuration);
        relayDelay = meter.CreateHistogram<double>(ShopMetrics.RelayDelay);
        meter.ObserveGauge<int>(ShopMetrics.IntakeDepth, () => intake is { } known ? [new(known.Waiting)] : []);
        meter.ObserveGauge<long>(ShopMetrics.OutboxDepth, () => Of(known => known.Depth));
        meter.ObserveGauge<double>(ShopMetrics.OutboxOldestAge, () => Of(known => known.OldestAge.TotalSeconds));
        meter.ObserveGauge<long>(ShopMetrics.OutboxParked, () => Of(known => known.Parked));
        meter.ObserveGauge<int>(ShopMetrics.RelayShardsLed, () => [new(handOff.LedShards)]);
    }

    /// <summary>Counters that may never count are shown as zero, so that an alert on their growth sees the first step.</summary>
    public void StartCounters()
    {
        foreach (var outcome in (ReadOnlySpan<string>)["done", "replayed", "refused", "unavailable"]) Count(outcome, 0);
        published.Add(0);
        parked.Add(0);
    }

    public void ObserveIntake(GroupIntake started) => intake = started;

    /// <summary>Null when it is not known: then there is no value, rather than an old one.</summary>
    public void ObserveBacklog(OutboxBacklog? read) => backlog = read;

    /// <summary>
    /// The span of a group. Commands of one trace make it a part of that trace; a group that joins several is a trace of its own, which links
    /// to each of them.
    /// </summary>
    public static Activity? StartGroup(int writer, List<Submission> group)
    {
        if (!source.HasListeners()) return null;
        List<ActivityContext> callers = [.. group.Select(submission => MessagingTelemetry.ParseContext(submission.TraceParent))
            .Where(context => context != default).Distinct().Take(MaxLinks)];
        var parent = callers.Count > 0 && callers.TrueForAll(context => context.TraceId == callers[0].TraceId) ? callers[0] : default;
        return source.StartActivity("decide group", ActivityKind.Internal, parent, links: parent == default ? callers.Select(context => new ActivityLink(context)) : null)
            ?.SetTag("shop.writer", writer).SetTag("shop.group.size", group.Count);
    }

    /// <summary>Returns the timestamp from which the commit is measured.</summary>
    public long GroupDecided(long startedAt)
    {
        var now = time.GetTimestamp();
        decideDuration.Record(time.GetElapsedTime(startedAt, now).TotalSeconds);
        return now;
    }

    public void GroupCommitted(long decidedAt) => commitDuration.Record(time.GetElapsedTime(decidedAt).TotalSeconds);

    public void Answered(List<Outcome> outcomes)
    {
        groupSize.Record(outcomes.Count);
        var (done, replayed, no) = (0, 0, 0);
        foreach (var outcome in outcomes)
        {
            if (outcome is Outcome.Done { Replayed: true }) replayed++;
            else if (outcome is Outcome.Done) done++;
            if (outcome is not Outcome.Refused { Refusal.Rule: var rule }) continue;
            no++;
            refused.Add(1, new KeyValuePair<string, object?>("shop.rule", rule));
        }

        if (done > 0) Count("done", done);
        if (replayed > 0) Count("replayed", replayed);
        if (no > 0) Count("refused", no);
    }

    public void Unavailable(int commands) => Count("unavailable", commands);

    public void Published(PublishResult[] results)
    {
        var accepted = 0;
        foreach (var result in results)
        {
            if (result.Status == PublishStatus.Accepted) accepted++;
        }

        if (accepted > 0) published.Add(accepted);
    }

    /// <summary>The bus has accepted groups that this process has committed.</summary>
    public void Relayed(List<long> committedAt)
    {
        var now = time.GetTimestamp();
        foreach (var then in committedAt) relayDelay.Record(time.GetElapsedTime(then, now).TotalSeconds);
    }

    public void Parked() => parked.Add(1);

    private void Count(string outcome, int commands) => decided.Add(commands, new KeyValuePair<string, object?>("shop.outcome", outcome));

    private IEnumerable<Measurement<T>> Of<T>(Func<OutboxBacklog, T> value)
        where T : struct => backlog is { } known ? [new(value(known))] : [];
}
