using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Shop.Contracts.Commands;
using Shop.Local.Mongo;
using Shop.Local.ServiceBus;
using Shop.Projector;
using Shop.Tests.Commands;

namespace Shop.Tests.EndToEnd;

public sealed class TraceTests(PostgresFixture postgres)
{
    private static readonly ActivitySource source = new("Shop.Tests");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_trace_spans_the_http_command_to_the_stored_document()
    {
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name.StartsWith("Shop.", StringComparison.Ordinal) || source.Name is "Microsoft.AspNetCore" or "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);

        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var store = await StoreServer.StartAsync(new StoreOptions(), Cancellation);
        await using var host = await CommandsHost.StartAsync(await postgres.CreateDatabaseAsync(Cancellation), broker.ConnectionString, Cancellation);
        await using var projector = ProjectorApp.Build([
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:messaging={broker.ConnectionString}", $"--ConnectionStrings:readdb={store.ConnectionString}",
            "--Logging:LogLevel:Default=Error"]);
        await projector.StartAsync(Cancellation);
        await host.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await host.DoAsync(new AddProduct("P", "Product", 2.50m), Cancellation);

        using var shopping = source.StartActivity("shopping", ActivityKind.Client, default(ActivityContext))!;
        var traceId = shopping.TraceId;
        using var response = await host.PostAsync(new PlaceOrder("O", "C", [new("P", 1, 2.50m)]), Cancellation);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);

        await Eventually.TrueAsync(() => Task.FromResult(Names(ended, traceId).Any(name => name.StartsWith("Shop.Projector", StringComparison.Ordinal))),
            "the projector's span of this trace", Cancellation);
        var names = Names(ended, traceId);
        Assert.Contains(names, name => name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
        await projector.StopAsync(Cancellation);
    }

    private static IReadOnlyList<string> Names(IEnumerable<Activity> activities, ActivityTraceId traceId) =>
        [.. activities.Where(activity => activity.TraceId == traceId).Select(activity => $"{activity.Source.Name}: {activity.DisplayName}")];
}
