using System.Diagnostics;
using System.Diagnostics.Metrics;
using Shop.ServiceDefaults.Messaging;
using Shop.ServiceDefaults.Observability;

namespace Shop.Projector.Observation;

/// <summary>What the projector tells OpenTelemetry.</summary>
public sealed class ProjectorTelemetry
{
    public const string Name = ShopMetrics.Projector;

    /// <summary>Backends cut a span's links at this number.</summary>
    private const int MaxLinks = 128;

    private static readonly ActivitySource source = new(Name);
    private readonly Histogram<double> lag;
    private readonly Counter<long> events;
    private readonly Counter<long> deadLetters;
    private readonly Counter<long> recomputed;

    public ProjectorTelemetry(IMeterFactory meters)
    {
        ArgumentNullException.ThrowIfNull(meters);
        var meter = meters.Create(Name);
        lag = meter.CreateHistogram<double>(ShopMetrics.ProjectionLag);
        events = meter.CreateCounter(ShopMetrics.ProjectionEvents);
        deadLetters = meter.CreateCounter(ShopMetrics.ProjectionDeadLetters);
        recomputed = meter.CreateCounter(ShopMetrics.ProjectionSummaries);
    }

    public void Projected(ReceivedEvent received, TimeSpan took)
    {
        ArgumentNullException.ThrowIfNull(received);
        lag.Record(took.TotalSeconds);
        events.Add(1, new KeyValuePair<string, object?>("cloudevents.type", received.Type));
    }

    public void DeadLettered(string reason) => deadLetters.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Recomputed(int buckets) => recomputed.Add(buckets);

    /// <summary>
    /// One span per event as a child of the command that caused it, so that a trace reaches from the HTTP request to the stored document.
    /// The store's own spans belong to the event when it comes alone, else to a span of the batch, which links to all.
    /// </summary>
    public static BatchSpans Start(IReadOnlyList<ReceivedEvent> batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (!source.HasListeners()) return new(null, []);
        var before = Activity.Current;
        List<Activity> spans = new(batch.Count);
        foreach (var received in batch)
        {
            if (source.StartActivity("project", ActivityKind.Consumer, received.TraceContext) is not { } span) continue;
            span.SetTag("messaging.system", "servicebus").SetTag("messaging.operation.name", "project").SetTag("messaging.operation.type", "process")
                .SetTag("messaging.message.id", received.Id)
                .SetTag("cloudevents.event_type", received.Type).SetTag("cloudevents.event_subject", received.Subject);
            spans.Add(span);
        }

        if (batch.Count == 1 && spans.Count == 1) return new(null, spans);
        Activity.Current = before;
        var links = spans.Take(MaxLinks).Select(span => new ActivityLink(span.Context));
        var whole = source.StartActivity("project batch", ActivityKind.Internal, default(ActivityContext), links: links);
        whole?.SetTag("messaging.batch.message_count", batch.Count);
        return new(whole, spans);
    }

    public sealed class BatchSpans(Activity? whole, List<Activity> spans) : IDisposable
    {
        public void Failed(string why)
        {
            whole?.SetStatus(ActivityStatusCode.Error, why);
            foreach (var span in spans) span.SetStatus(ActivityStatusCode.Error, why);
        }

        public void Dispose()
        {
            whole?.Dispose();
            foreach (var span in spans) span.Dispose();
        }
    }
}
