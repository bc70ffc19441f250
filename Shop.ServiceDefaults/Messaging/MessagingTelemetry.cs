using System.Diagnostics;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>
/// Spans of the source <c>Shop.Messaging</c> after the semantic conventions for messaging
/// (https://opentelemetry.io/docs/specs/semconv/messaging/azure-messaging/).
/// </summary>
public static class MessagingTelemetry
{
    public const string SourceName = "Shop.Messaging";

    /// <summary>A span with more links than this helps nobody, and exporters cut it anyway.</summary>
    private const int MaxLinks = 128;

    private static readonly ActivitySource source = new(SourceName);

    /// <summary>
    /// The span of a consumer's work on a batch. Work on events of one trace becomes part of that trace; a batch that joins several
    /// traces links to each of them.
    /// </summary>
    public static Activity? StartProcess(string entity, IReadOnlyList<ReceivedEvent> events) =>
        Start("process", "process", ActivityKind.Consumer, entity, events.Count, events.Select(received => received.TraceContext));

    internal static Activity? StartPublish(BusClientOptions options, string entity, IReadOnlyList<CloudEvent> events) =>
        options.DisableTracing ? null : WithServer(options, Start(
            "publish", "send", ActivityKind.Producer, entity, events.Count, events.Select(cloudEvent => ParseContext(cloudEvent.TraceParent))));

    /// <summary>As the conventions name the two kinds of broker.</summary>
    internal static string SystemOf(BusClientOptions options) => options.ConnectionString.Dialect == BusDialect.RabbitMq ? "rabbitmq" : "servicebus";

    internal static void RecordReceive(BusClientOptions options, string entity, IReadOnlyList<ReceivedEvent> events)
    {
        if (options.DisableTracing) return;
        // Begun when messages are there: waiting for them is no work worth a span.
        using var activity = WithServer(options, Start(
            "receive", "receive", ActivityKind.Client, entity, events.Count, events.Select(received => received.TraceContext)));
    }

    internal static Activity? StartSettle(BusClientOptions options, string entity, string outcome, IReadOnlyList<ReceivedEvent> events)
    {
        if (options.DisableTracing) return null;
        var activity = WithServer(options, Start(
            "settle", "settle", ActivityKind.Client, entity, events.Count, events.Select(received => received.TraceContext)));
        activity?.SetTag("messaging.servicebus.disposition_status", outcome);
        return activity;
    }

    /// <summary>The default value when there is none, or it is malformed.</summary>
    public static ActivityContext ParseContext(string? traceParent) =>
        traceParent is not null && ActivityContext.TryParse(traceParent, null, isRemote: true, out var context) ? context : default;

    private static Activity? Start(string name, string type, ActivityKind kind, string entity, int count, IEnumerable<ActivityContext> contexts)
    {
        if (!source.HasListeners()) return null;
        List<ActivityContext> traces = [.. contexts.Where(context => context != default).Distinct().Take(MaxLinks)];
        var single = traces.Count > 0 && traces.TrueForAll(context => context.TraceId == traces[0].TraceId);
        var parent = single && Activity.Current is null ? traces[0] : default;
        var activity = source.StartActivity(
            $"{name} {entity}", kind, parent, links: parent == default ? traces.Select(context => new ActivityLink(context)) : null);
        activity?.SetTag("messaging.system", "servicebus");
        activity?.SetTag("messaging.operation.name", name);
        activity?.SetTag("messaging.operation.type", type);
        activity?.SetTag("messaging.destination.name", entity);
        activity?.SetTag("messaging.batch.message_count", count);
        return activity;
    }

    private static Activity? WithServer(BusClientOptions options, Activity? activity) => activity?
        .SetTag("messaging.system", SystemOf(options))
        .SetTag("server.address", options.ConnectionString.Host)
        .SetTag("server.port", options.ConnectionString.Port);
}
