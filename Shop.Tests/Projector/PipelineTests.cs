using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Shop.Contracts.Events;
using Shop.Local.Mongo;
using Shop.Local.ServiceBus;
using Shop.Local.Supervision;
using Shop.Projector.Observation;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Messaging;
using Shop.Tests.Local;

namespace Shop.Tests.Projector;

/// <summary>From the bus to the answer of a query, with a real broker and a real store.</summary>
public sealed class PipelineTests : IAsyncLifetime
{
    private static readonly DateTimeOffset placedAt = new(2023, 10, 27, 10, 0, 0, TimeSpan.Zero);
    private static readonly OrderState order = new("ORD12345", 1, "CUST987", "Alice Smith", 1, placedAt, 46.00m, OrderStatus.Pending,
        [new("PROD001", "Widget", 1, 2, 10.50m), new("PROD002", "Gadget", 1, 1, 25.00m)]);

    private BrokerServer broker = null!;
    private BusClient bus = null!;
    private EventPublisher publisher = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        broker = await BrokerServer.StartAsync(new BrokerOptions(), CancellationToken.None);
        bus = new BusClient(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(broker.ConnectionString) });
        publisher = bus.CreatePublisher("shop-events");
    }

    public async ValueTask DisposeAsync()
    {
        await bus.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task A_published_order_is_answered_by_queries_as_the_document_of_the_design()
    {
        await using var store = await StoreServer.StartAsync(new StoreOptions(), Cancellation);
        await using var projector = await ServiceHost.StartProjectorAsync(store.ConnectionString, broker.ConnectionString, Cancellation);
        await using var queries = await ServiceHost.StartQueriesAsync(store.ConnectionString, Cancellation);
        await PublishAsync(Event(EventTypes.OrderPlaced, "order/ORD12345", History.Event(order)));
        await VisibleAsync(queries, "ORD12345");

        Assert.Equal(
            """{"_id":"ORD12345","version":1,"customerId":"CUST987","customerName":"Alice Smith","customerVersion":1,"orderDate":"2023-10-27T10:00:00Z","totalAmount":46.00,"status":"Pending","items":[{"productId":"PROD001","productName":"Widget","productVersion":1,"quantity":2,"price":10.50},{"productId":"PROD002","productName":"Gadget","productVersion":1,"quantity":1,"price":25.00}]}""",
            await queries.Http.GetStringAsync("/orders/ORD12345", Cancellation));
        // It is visible before the projector has heard that it is.
        JsonElement lag = default;
        await Eventually.TrueAsync(
            async () => (lag = await projector.GetJsonAsync("/lag", Cancellation)).GetProperty("events").GetInt32() == 1, "the event's lag is known", Cancellation);
        Assert.True(lag.GetProperty("p99").GetDouble() >= lag.GetProperty("p50").GetDouble());
    }

    [Fact]
    public async Task Poison_is_dead_lettered_with_its_reason_and_holds_up_nothing_of_the_same_order_either()
    {
        await using var store = await StoreServer.StartAsync(new StoreOptions(), Cancellation);
        await using var queries = await ServiceHost.StartQueriesAsync(store.ConnectionString, Cancellation);
        var broken = History.Event(order with { Version = 9, Status = "Lost" });
        await PublishAsync(
            Event(EventTypes.OrderPlaced, "order/ORD12345", History.Event(order)),
            Event(EventTypes.OrderPaid, "order/ORD12345", broken),
            Event("shop.warehouse.opened.v1", "warehouse/W1", new("", "{}"u8.ToArray())),
            Event(EventTypes.OrderPaid, "order/ORD12345", History.Event(order with { Version = 2, Status = OrderStatus.Paid, PaidAt = placedAt.AddHours(1) })));
        await using var projector = await ServiceHost.StartProjectorAsync(store.ConnectionString, broker.ConnectionString, Cancellation);

        await Eventually.TrueAsync(async () => await VersionAsync(queries, "ORD12345") == 2, "the payment arrives", Cancellation);
        await using var deadLetters = bus.CreateReceiver("shop-events", "projector", new EventReceiverOptions { DeadLetterQueue = true });
        List<string?> reasons = [];
        while (reasons.Count < 2)
        {
            var batch = await deadLetters.ReceiveBatchAsync(10, Cancellation);
            reasons.AddRange(batch.Select(letter => letter.DeadLetterReason));
            await deadLetters.CompleteAsync(batch, Cancellation);
        }

        Assert.Equal([PoisonReason.ImpossibleState, PoisonReason.UnknownType], reasons.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task While_the_store_is_away_nothing_is_dead_lettered_and_when_it_is_back_everything_arrives()
    {
        using var directory = new TemporaryDirectory();
        // While it is away no client may be given its port.
        var port = FreePort.Next();
        var store = await StoreServer.StartAsync(new StoreOptions { DataDirectory = directory.Path, Port = port }, Cancellation);
        var connection = store.ConnectionString;
        await using var projector = await ServiceHost.StartProjectorAsync(connection, broker.ConnectionString, Cancellation);
        await PublishAsync(Event(EventTypes.OrderPlaced, "order/O0", History.Event(order with { OrderId = "O0" })));
        await using (var before = await ServiceHost.StartQueriesAsync(connection, Cancellation)) await VisibleAsync(before, "O0");

        await store.DisposeAsync();
        await PublishAsync([.. Enumerable.Range(1, 20).Select(i => Event(EventTypes.OrderPlaced, $"order/O{i}", History.Event(order with { OrderId = $"O{i}" })))]);
        await Eventually.TrueAsync(async () =>
        {
            using var health = await projector.Http.GetAsync("/health", Cancellation);
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
            return (await health.Content.ReadAsStringAsync(Cancellation)).Contains("The store has not worked since", StringComparison.Ordinal);
        }, "the projector says that it is degraded", Cancellation);

        await using var again = await StoreServer.StartAsync(new StoreOptions { DataDirectory = directory.Path, Port = port }, Cancellation);
        await using var queries = await ServiceHost.StartQueriesAsync(connection, Cancellation);
        for (var i = 0; i <= 20; i++) await VisibleAsync(queries, $"O{i}");
        await using var deadLetters = bus.CreateReceiver("shop-events", "projector", new EventReceiverOptions { DeadLetterQueue = true });
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await deadLetters.ReceiveBatchAsync(1, soon.Token));
    }

    [Fact]
    public async Task One_trace_spans_the_command_and_the_stored_document()
    {
        var command = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        List<Activity> ended = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is ProjectorTelemetry.Name or "MongoDB.Driver",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => { lock (ended) ended.Add(activity); },
        };
        ActivitySource.AddActivityListener(listener);
        await using var store = await StoreServer.StartAsync(new StoreOptions(), Cancellation);
        await using var projector = await ServiceHost.StartProjectorAsync(store.ConnectionString, broker.ConnectionString, Cancellation);
        await PublishAsync(Event(EventTypes.OrderPlaced, "order/ORD12345", History.Event(order),
            $"00-{command.TraceId}-{command.SpanId}-01"));

        Activity[] trace = [];
        await Eventually.TrueAsync(() =>
        {
            lock (ended) trace = [.. ended.Where(activity => activity.TraceId == command.TraceId)];
            return Task.FromResult(trace.Any(activity => activity.Source.Name == ProjectorTelemetry.Name));
        }, "the event's span ends", Cancellation);
        var projected = Assert.Single(trace, activity => activity.Source.Name == ProjectorTelemetry.Name);
        Assert.Equal(command.SpanId, projected.ParentSpanId);
        Assert.Contains(trace, activity => activity.Source.Name == "MongoDB.Driver" && activity.DisplayName.Contains("orders_v1", StringComparison.Ordinal));
    }

    private static CloudEvent Event(string type, string subject, IncomingEvent body, string? traceParent = null) =>
        new(Guid.CreateVersion7(), "/shop/commands", type, subject, TimeProvider.System.GetUtcNow(), traceParent, subject, body.Data);

    private async Task PublishAsync(params CloudEvent[] events) =>
        Assert.All(await publisher.PublishAsync(events, Cancellation), result => Assert.Equal(PublishStatus.Accepted, result.Status));

    private static Task VisibleAsync(ServiceHost queries, string id) =>
        Eventually.TrueAsync(async () => await VersionAsync(queries, id) > 0, $"{id} is visible", Cancellation);

    private static async Task<int> VersionAsync(ServiceHost queries, string id)
    {
        using var response = await queries.Http.GetAsync($"/orders/{id}", Cancellation);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.ServiceUnavailable) return 0;
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation)).RootElement.GetProperty("version").GetInt32();
    }
}
