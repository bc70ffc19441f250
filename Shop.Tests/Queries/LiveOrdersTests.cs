using System.IO.Pipelines;
using System.Net;
using System.Net.ServerSentEvents;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using MongoDB.Driver;
using MongoDB.Driver.Core.Events;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.Projector.Projection;
using Shop.Queries.Customers;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Data;
using Shop.Tests.Projector;

namespace Shop.Tests.Queries;

public sealed class LiveOrdersTests(ReadStore store) : IClassFixture<ReadStore>
{
    private static readonly DateTimeOffset start = new(2023, 10, 27, 10, 0, 0, TimeSpan.Zero);
    private static readonly OrderState template = new("O1", 1, "C1", "Alice Smith", 1, start, 21m, OrderStatus.Pending, [new("P1", "Widget", 1, 2, 10.50m)]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_listener_gets_the_current_state_and_then_every_change_of_its_customer_alone()
    {
        var connection = store.NewConnectionString();
        var models = store.Open(connection);
        await ProjectAsync(models, History.Event(new CustomerState("C1", "Alice Smith", 1, 1)), History.Event(template));
        await using var queries = await ServiceHost.StartQueriesAsync(connection, Cancellation);
        using var silent = await OpenAsync(queries);
        using var response = await OpenAsync(queries);
        await using var events = SseParser.Create(await response.Content.ReadAsStreamAsync(Cancellation)).EnumerateAsync(Cancellation).GetAsyncEnumerator(Cancellation);

        var current = await NextAsync(events);
        Assert.Equal("orders", current.EventType);
        Assert.Contains("\"_id\":\"O1\",\"version\":1", current.Data, StringComparison.Ordinal);

        await ProjectAsync(models, History.Event(template with { Version = 2, Status = OrderStatus.Paid }), History.Event(template with { OrderId = "O2", CustomerId = "C2" }));
        await UntilAsync(events, "\"_id\":\"O1\",\"version\":2");
        await ProjectAsync(models, History.Event(new CustomerState("C1", "Alice Jones", 2, 2)));
        await UntilAsync(events, "\"customerName\":\"Alice Jones\"");
        await ProjectAsync(models, History.Event(template with { OrderId = "O3" }));
        await UntilAsync(events, "\"_id\":\"O3\"");
    }

    [Fact]
    public async Task A_quiet_stream_gets_a_comment_now_and_then_and_a_change_between_them()
    {
        var changes = Channel.CreateBounded<OrderDocument>(8);
        using var listener = new Listener("C1", start, new(), changes);
        var pipe = new Pipe();
        var context = new DefaultHttpContext();
        context.Response.Body = pipe.Writer.AsStream();
        var streaming = GetLiveOrders.StreamAsync(listener, context.Response, new HastyTime(), Cancellation);
        using var reader = new StreamReader(pipe.Reader.AsStream());
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(": still here", await reader.ReadLineAsync(Cancellation));
            Assert.Equal("", await reader.ReadLineAsync(Cancellation));
        }

        listener.Offer(Documents.Order(template, start));
        string? line;
        do line = await reader.ReadLineAsync(Cancellation);
        while (line is "" or ": still here");
        Assert.Equal("event: order", line);
        Assert.StartsWith("data: {\"_id\":\"O1\"", await reader.ReadLineAsync(Cancellation), StringComparison.Ordinal);
        changes.Writer.Complete();
        await streaming.WaitAsync(Eventually.Deadline, Cancellation);
    }

    [Fact]
    public async Task Who_comes_while_changes_are_looked_for_misses_none()
    {
        var connection = store.NewConnectionString();
        var models = store.Open(connection);
        await ReadModelSetup.CreateAsync(models, Cancellation);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var projected = new ManualResetEventSlim();
        var settings = MongoClientSettings.FromConnectionString(connection);
        settings.ClusterConfigurator = cluster => cluster.Subscribe<CommandStartedEvent>(command =>
        {
            if (command.CommandName != "find" || command.Command["find"] != "orders_v1") return;
            asked.TrySetResult();
            projected.Wait(Eventually.Deadline, Cancellation);
        });
        using var client = new MongoClient(settings);
        using var orders = NewLiveOrders(new(client.GetDatabase(new MongoUrl(connection).DatabaseName)), TimeProvider.System);
        await orders.StartAsync(Cancellation);
        using var first = orders.Listen("C1")!;
        await asked.Task.WaitAsync(Eventually.Deadline, Cancellation);
        using var second = orders.Listen("C1")!;
        await ProjectAsync(models, History.Event(template));
        projected.Set();
        Assert.Equal("O1", (await NextAsync(first)).Id);
        Assert.Equal("O1", (await NextAsync(second)).Id);
        await orders.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Changes_of_one_millisecond_and_of_clocks_that_disagree_are_all_delivered()
    {
        var models = store.NewReadModels();
        await ReadModelSetup.CreateAsync(models, Cancellation);
        using var orders = NewLiveOrders(models, new HastyTime());
        await orders.StartAsync(Cancellation);
        using var listener = orders.Listen("C1")!;
        var now = TimeProvider.System.GetUtcNow();
        await ProjectAsync(models, new StoppedTime(now), History.Event(template));
        Assert.Equal(1, (await NextAsync(listener)).Version);
        await ProjectAsync(models, new StoppedTime(now), History.Event(template with { Version = 2, Status = OrderStatus.Paid }));
        Assert.Equal(2, (await NextAsync(listener)).Version);

        await ProjectAsync(models, new StoppedTime(now.AddHours(1)), History.Event(template with { OrderId = "O2" }));
        Assert.Equal("O2", (await NextAsync(listener)).Id);
        await ProjectAsync(models, new StoppedTime(now.AddSeconds(-1)), History.Event(template with { OrderId = "O3" }));
        Assert.Equal("O3", (await NextAsync(listener)).Id);
        await Eventually.TrueAsync(() => Task.FromResult(listener.HasHistory), "the listener has been there for a long look", Cancellation);
        await ProjectAsync(models, new StoppedTime(now.AddSeconds(-30)), History.Event(template with { OrderId = "O4" }));
        Assert.Equal("O4", (await NextAsync(listener)).Id);
        await orders.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Who_has_just_come_misses_nothing_that_became_visible_late_and_a_busy_customer_is_no_reason_to_be_cut_off()
    {
        var models = store.NewReadModels();
        await ReadModelSetup.CreateAsync(models, Cancellation);
        var now = TimeProvider.System.GetUtcNow();
        await ProjectAsync(models, new StoppedTime(now.AddSeconds(-20)), [.. Enumerable.Range(0, 400).Select(number => History.Event(template with { OrderId = $"O{number}" }))]);
        var time = new HeldTime();
        using var orders = NewLiveOrders(models, time);
        await orders.StartAsync(Cancellation);
        using var listener = orders.Listen("C1")!;
        // By a projector that stood still before it wrote: after the listener's first look, and before the first that goes back so far.
        await ProjectAsync(models, new StoppedTime(now.AddSeconds(-10)), History.Event(template with { OrderId = "late" }));
        time.Release();
        await Eventually.TrueAsync(() => Task.FromResult(listener.HasHistory), "the listener has been there for a long look", Cancellation);
        while ((await NextAsync(listener)).Id != "late") { }
        await orders.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_listener_that_does_not_read_is_cut_off_and_the_others_miss_nothing()
    {
        const int step = 100, steps = 4;
        var models = store.NewReadModels();
        await ReadModelSetup.CreateAsync(models, Cancellation);
        using var orders = NewLiveOrders(models, TimeProvider.System);
        await orders.StartAsync(Cancellation);
        using var slow = orders.Listen("C1")!;
        using var quick = orders.Listen("C1")!;
        for (var i = 0; i < steps; i++)
        {
            // Neither more slowly nor later because somebody beside it takes nothing.
            HashSet<string> expected = [.. Enumerable.Range(i * step, step).Select(number => $"O{number}")];
            await ProjectAsync(models, [.. expected.Select(id => History.Event(template with { OrderId = id }))]);
            while (expected.Count > 0) expected.Remove((await NextAsync(quick)).Id);
        }

        var got = 0;
        while (slow.Changes.TryRead(out _)) got++;
        Assert.InRange(got, 1, (steps * step) - 1);
        Assert.True(slow.Changes.Completion.IsCompleted);
        Assert.False(quick.Changes.Completion.IsCompleted);
        await orders.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Listening_to_an_unknown_customer_is_a_404_problem_and_to_one_who_was_seen_or_has_orders_is_none()
    {
        var connection = store.NewConnectionString();
        await using var queries = await ServiceHost.StartQueriesAsync(connection, Cancellation);
        using var response = await OpenAsync(queries);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);

        // To one whom the caller has seen, or whose orders came before its own event, it is none.
        using var request = new HttpRequestMessage(HttpMethod.Get, "/customers/C1/orders/live?seen=customer/C1:1") { Headers = { { "Prefer", "wait=0" } } };
        using var behind = await queries.Http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, behind.StatusCode);
        await ProjectAsync(store.Open(connection), History.Event(template));
        using var known = await OpenAsync(queries);
        Assert.Equal(HttpStatusCode.OK, known.StatusCode);
    }

    private static Task<HttpResponseMessage> OpenAsync(ServiceHost queries) =>
        queries.Http.GetAsync("/customers/C1/orders/live", HttpCompletionOption.ResponseHeadersRead, Cancellation);

    private static LiveOrders NewLiveOrders(ReadModels models, TimeProvider time) =>
        new(new LiveReadModel(models, time), time, NullLogger<LiveOrders>.Instance);

    private static Task ProjectAsync(ReadModels models, params IncomingEvent[] events) => ProjectAsync(models, TimeProvider.System, events);

    private static async Task ProjectAsync(ReadModels models, TimeProvider time, params IncomingEvent[] events)
    {
        await foreach (var _ in new OrderProjection(models, time).ApplyAsync(new ProjectionBatch(events), Cancellation)) { }
    }

    private static async Task UntilAsync(IAsyncEnumerator<SseItem<string>> events, string expected)
    {
        while (true)
        {
            var item = await NextAsync(events);
            Assert.Equal("order", item.EventType);
            Assert.DoesNotContain("\"customerId\":\"C2\"", item.Data, StringComparison.Ordinal);
            if (item.Data.Contains(expected, StringComparison.Ordinal)) return;
        }
    }

    private static Task<OrderDocument> NextAsync(Listener listener) =>
        listener.Changes.ReadAsync(Cancellation).AsTask().WaitAsync(Eventually.Deadline, Cancellation);

    private static async Task<SseItem<string>> NextAsync(IAsyncEnumerator<SseItem<string>> events)
    {
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Eventually.Deadline, Cancellation));
        return events.Current;
    }

    private sealed class StoppedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }

    /// <summary>Timers are due a thousand times as soon.</summary>
    private class HastyTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 1000 : dueTime, period);
    }

    /// <summary>None is due before the release.</summary>
    private sealed class HeldTime : HastyTime
    {
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release() => released.TrySetResult();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (released.Task.IsCompleted) return base.CreateTimer(callback, state, dueTime, period);
            var timer = base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
            _ = released.Task.ContinueWith(_ => timer.Change(TimeSpan.Zero, period), TaskScheduler.Default);
            return timer;
        }
    }
}
