using System.Collections.Concurrent;
using System.Diagnostics;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class MessagingTelemetryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_trace_spans_publish_receive_process_and_settle_and_a_mixed_batch_links_to_each_trace()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == MessagingTelemetry.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var broker = await LocalBroker.StartAsync(Token);
        await using var client = new BusClient(TestEvents.Options(broker.ConnectionString));
        var publisher = client.CreatePublisher("shop-events");
        var receiver = client.CreateReceiver("shop-events", "projector");
        var (first, second) = (TraceParent(), TraceParent());

        await publisher.PublishAsync([TestEvents.Create(1, traceParent: first)], Token);
        var single = await TestEvents.ReceiveAsync(receiver, 1, Token);
        using (MessagingTelemetry.StartProcess("shop-events/Subscriptions/projector", single)) await receiver.CompleteAsync(single, Token);
        await publisher.PublishAsync([TestEvents.Create(2, traceParent: first), TestEvents.Create(3, traceParent: second)], Token);
        await TestEvents.ReceiveAsync(receiver, 2, Token);

        var trace = ActivityContext.Parse(first, null).TraceId;
        var ofTrace = spans.Where(span => span.TraceId == trace).ToList();
        Assert.Superset(
            new HashSet<string> { "publish shop-events", "receive shop-events/Subscriptions/projector", "process shop-events/Subscriptions/projector", "settle shop-events/Subscriptions/projector" },
            ofTrace.Select(span => span.DisplayName).ToHashSet());
        Assert.All(ofTrace, span => Assert.Equal("servicebus", span.GetTagItem("messaging.system")));
        var other = ActivityContext.Parse(second, null).TraceId;
        var mixed = Assert.Single(spans, span => span.DisplayName == "publish shop-events" && span.Links.Any(link => link.Context.TraceId == other));
        Assert.Equal(2, mixed.Links.Count());
        Assert.Equal(2, mixed.GetTagItem("messaging.batch.message_count"));
    }

    private static string TraceParent() => $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-01";
}
