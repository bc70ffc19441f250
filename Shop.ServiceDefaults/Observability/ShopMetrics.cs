using System.Diagnostics.Metrics;

namespace Shop.ServiceDefaults.Observability;

public enum MetricKind
{
    /// <summary>Only grows; what matters is its rate.</summary>
    Counter,

    /// <summary>A value now.</summary>
    Gauge,

    /// <summary>A distribution.</summary>
    Histogram,
}

/// <summary>A metric of ours.</summary>
/// <param name="Meter">The meter, which is the part of the shop that measures it.</param>
/// <param name="Kind">How to read it.</param>
/// <param name="Name">Its name in OpenTelemetry; Prometheus writes underscores and appends the unit.</param>
/// <param name="Unit">In UCUM (https://ucum.org): <c>s</c>, or what is counted in braces.</param>
/// <param name="Description">What it says.</param>
/// <param name="Boundaries">Of a histogram's buckets, in its unit.</param>
public sealed record MetricDefinition(string Meter, MetricKind Kind, string Name, string Unit, string Description, double[]? Boundaries = null);

/// <summary>Every metric of ours, once. docs/operations.md says what to alert on, and a test holds both together.</summary>
public static class ShopMetrics
{
    public const string Commands = "Shop.Commands";
    public const string Projector = "Shop.Projector";
    public const string Messaging = "Shop.Messaging";

    private static readonly double[] durations = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

    public static readonly MetricDefinition CommandsDecided = new(Commands, MetricKind.Counter, "shop.commands.decided", "{command}",
        "Commands answered, by outcome: done, replayed, refused, unavailable.");

    public static readonly MetricDefinition CommandsRefused = new(Commands, MetricKind.Counter, "shop.commands.refused", "{command}",
        "Commands that break a rule, by rule.");

    public static readonly MetricDefinition GroupSize = new(Commands, MetricKind.Histogram, "shop.commands.group.size", "{command}",
        "Commands decided and committed together.", [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);

    public static readonly MetricDefinition DecideDuration = new(Commands, MetricKind.Histogram, "shop.commands.decide.duration", "s",
        "Of one group: loading its state and deciding it.", durations);

    public static readonly MetricDefinition CommitDuration = new(Commands, MetricKind.Histogram, "shop.commands.commit.duration", "s",
        "Of one group: writing it and committing.", durations);

    public static readonly MetricDefinition IntakeDepth = new(Commands, MetricKind.Gauge, "shop.commands.intake.depth", "{command}",
        "Commands waiting for a writer.");

    public static readonly MetricDefinition OutboxDepth = new(Commands, MetricKind.Gauge, "shop.outbox.depth", "{event}",
        "Committed events that the bus has not accepted yet, of the whole database.");

    public static readonly MetricDefinition OutboxOldestAge = new(Commands, MetricKind.Gauge, "shop.outbox.oldest_age", "s",
        "Age of the oldest of them; 0 when there is none.");

    public static readonly MetricDefinition OutboxParked = new(Commands, MetricKind.Gauge, "shop.outbox.parked", "{event}",
        "Events that the broker refused for good and that wait for a replay, of the whole database.");

    public static readonly MetricDefinition RelayPublished = new(Commands, MetricKind.Counter, "shop.relay.published", "{event}",
        "Events that the bus accepted; those sent again count again.");

    public static readonly MetricDefinition RelayParked = new(Commands, MetricKind.Counter, "shop.relay.parked", "{event}",
        "Events put aside because the broker refused them for good.");

    public static readonly MetricDefinition RelayDelay = new(Commands, MetricKind.Histogram, "shop.relay.delay", "s",
        "Of one group handed over in this process: from its commit to its events being accepted by the bus.", durations);

    public static readonly MetricDefinition RelayShardsLed = new(Commands, MetricKind.Gauge, "shop.relay.shards_led", "{shard}",
        "Shards whose events this instance publishes; all instances together lead every shard.");

    public static readonly MetricDefinition ProjectionLag = new(Projector, MetricKind.Histogram, "shop.projection.lag", "s",
        "From the commit of a command to its event being visible to queries.", [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300]);

    public static readonly MetricDefinition ProjectionEvents = new(Projector, MetricKind.Counter, "shop.projection.events", "{event}",
        "Events whose state is in the read model, by type.");

    public static readonly MetricDefinition ProjectionDeadLetters = new(Projector, MetricKind.Counter, "shop.projection.dead_letters", "{event}",
        "Events that can never be applied, by reason.");

    public static readonly MetricDefinition ProjectionDeadLettersWaiting = new(Projector, MetricKind.Gauge, "shop.projection.dead_letters.waiting", "{event}",
        "Dead letters that wait to be replayed or purged, of the whole subscription; counted up to 1,000.");

    public static readonly MetricDefinition ProjectionSummaries = new(Projector, MetricKind.Counter, "shop.projection.summaries", "{bucket}",
        "Summary buckets that were recomputed.");

    public static readonly MetricDefinition MessagesSent = new(Messaging, MetricKind.Counter, "messaging.client.sent.messages", "{message}",
        "Messages that a publisher tried to send, by error.type when they were not accepted.");

    public static readonly MetricDefinition MessagesConsumed = new(Messaging, MetricKind.Counter, "messaging.client.consumed.messages", "{message}",
        "Messages that were handed to a receiver's caller; those that come again count again.");

    public static readonly MetricDefinition OperationDuration = new(Messaging, MetricKind.Histogram, "messaging.client.operation.duration", "s",
        "Of one call of publish, until the broker has answered for all of its messages.", [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);

    public static IReadOnlyList<MetricDefinition> All { get; } =
    [
        CommandsDecided, CommandsRefused, GroupSize, DecideDuration, CommitDuration, IntakeDepth, OutboxDepth, OutboxOldestAge, OutboxParked,
        RelayPublished, RelayParked, RelayDelay, RelayShardsLed, ProjectionLag, ProjectionEvents, ProjectionDeadLetters, ProjectionDeadLettersWaiting, ProjectionSummaries,
        MessagesSent, MessagesConsumed, OperationDuration,
    ];

    public static Counter<long> CreateCounter(this Meter meter, MetricDefinition metric)
    {
        ArgumentNullException.ThrowIfNull(meter);
        ArgumentNullException.ThrowIfNull(metric);
        return meter.CreateCounter<long>(metric.Name, metric.Unit, metric.Description);
    }

    public static Histogram<T> CreateHistogram<T>(this Meter meter, MetricDefinition metric)
        where T : struct
    {
        ArgumentNullException.ThrowIfNull(meter);
        ArgumentNullException.ThrowIfNull(metric);
        var boundaries = Array.ConvertAll(metric.Boundaries ?? [], bound => (T)Convert.ChangeType(bound, typeof(T), null));
        return meter.CreateHistogram(metric.Name, metric.Unit, metric.Description, advice: new InstrumentAdvice<T> { HistogramBucketBoundaries = boundaries });
    }

    /// <summary>A gauge that is asked at every export.</summary>
    public static void ObserveGauge<T>(this Meter meter, MetricDefinition metric, Func<IEnumerable<Measurement<T>>> observe)
        where T : struct
    {
        ArgumentNullException.ThrowIfNull(meter);
        ArgumentNullException.ThrowIfNull(metric);
        meter.CreateObservableGauge(metric.Name, observe, metric.Unit, metric.Description);
    }
}
