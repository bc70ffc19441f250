using System.Diagnostics;
using System.Diagnostics.Metrics;
using Shop.ServiceDefaults.Observability;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>
/// The client's metrics after the semantic conventions for messaging (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/).
/// </summary>
internal static class MessagingMetrics
{
    private static readonly Meter meter = new(ShopMetrics.Messaging);
    private static readonly Counter<long> sent = meter.CreateCounter(ShopMetrics.MessagesSent);
    private static readonly Counter<long> consumed = meter.CreateCounter(ShopMetrics.MessagesConsumed);
    private static readonly Histogram<double> duration = meter.CreateHistogram<double>(ShopMetrics.OperationDuration);

    /// <summary>One call of publish: what was accepted, what was not and why, and how long the broker took for all of it.</summary>
    public static void Sent(BusClientOptions options, string entity, PublishResult[] results, TimeSpan elapsed)
    {
        var (refused, unknown) = (0, 0);
        foreach (var result in results)
        {
            if (result.Status == PublishStatus.Refused) refused++;
            else if (result.Status == PublishStatus.Unknown) unknown++;
        }

        var tags = Tags(options, entity, "publish");
        Add(results.Length - refused - unknown, null);
        Add(refused, nameof(PublishStatus.Refused));
        Add(unknown, nameof(PublishStatus.Unknown));
        tags.Add("messaging.operation.type", "send");
        if (refused + unknown > 0) tags.Add("error.type", refused > 0 ? nameof(PublishStatus.Refused) : nameof(PublishStatus.Unknown));
        duration.Record(elapsed.TotalSeconds, tags);

        void Add(int count, string? error)
        {
            if (count == 0) return;
            var counted = tags;
            if (error is not null) counted.Add("error.type", error);
            sent.Add(count, counted);
        }
    }

    public static void Consumed(BusClientOptions options, string entity, int count) => consumed.Add(count, Tags(options, entity, "receive"));

    private static TagList Tags(BusClientOptions options, string entity, string operation) => new()
    {
        { "messaging.system", MessagingTelemetry.SystemOf(options) },
        { "messaging.operation.name", operation },
        { "messaging.destination.name", entity },
        { "server.address", options.ConnectionString.Host },
        { "server.port", options.ConnectionString.Port },
    };
}
