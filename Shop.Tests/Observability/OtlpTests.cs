using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Shop.Contracts.Commands;
using Shop.ServiceDefaults.Messaging;
using Shop.ServiceDefaults.Observability;
using Shop.Tests.Architecture;

namespace Shop.Tests.Observability;

[Collection(ObservedShopDefinition.Name)]
public sealed partial class OtlpTests(ObservedShop observed)
{
    private const int Server = 2, Producer = 4, Consumer = 5;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_trace_of_one_order_reaches_from_the_request_to_the_stored_document()
    {
        // All that the order needs is projected first, so that the order is a batch of its own everywhere.
        var before = ActivityTraceId.CreateRandom().ToString();
        await observed.PlaceAsync(new RegisterCustomer("TRACED", "Customer"), Cancellation, $"00-{before}-{ActivitySpanId.CreateRandom()}-01");
        await observed.PlaceAsync(new AddProduct("TRACED", "Product", 2.50m), Cancellation, $"00-{before}-{ActivitySpanId.CreateRandom()}-01");
        await Eventually.TrueAsync(() => Task.FromResult(observed.Receiver.SpansOf(before).Count(span => span.Name == "project") == 2), "both are projected", Cancellation);
        var (traceId, caller) = (ActivityTraceId.CreateRandom().ToString(), ActivitySpanId.CreateRandom().ToString());

        await observed.PlaceAsync(new PlaceOrder("TRACED", "TRACED", [new("TRACED", 1, 2.50m)]), Cancellation, $"00-{traceId}-{caller}-01");

        // Each process exports its spans in batches of its own, so every part is waited for.
        (string Service, string Scope)[] parts =
        [
            ("commands", "Microsoft.AspNetCore"), ("commands", "Shop.Commands"), ("commands", "Npgsql"), ("commands", "Shop.Messaging"),
            ("projector", "Shop.Projector"), ("projector", "MongoDB.Driver"),
        ];
        await Eventually.TrueAsync(() => Task.FromResult(parts.All(part => Find(part.Service, part.Scope).Length > 0)), "the whole trace is exported", Cancellation);
        var request = Assert.Single(Find("commands", "Microsoft.AspNetCore"));
        Assert.Equal((Server, caller, "POST /commands"), (request.Kind, request.ParentSpanId, request.Name));
        var group = Assert.Single(Find("commands", "Shop.Commands"));
        Assert.Equal(("decide group", request.SpanId, "1"), (group.Name, group.ParentSpanId, group.Attributes["shop.group.size"]));
        var database = Find("commands", "Npgsql");
        Assert.NotEmpty(database);
        Assert.All(database, span => Assert.Equal(group.SpanId, span.ParentSpanId));
        Assert.All(database, span => Assert.Equal("postgresql", span.Attributes["db.system.name"]));
        var publish = Assert.Single(Find("commands", "Shop.Messaging"));
        Assert.Equal((Producer, request.SpanId, "publish shop-events"), (publish.Kind, publish.ParentSpanId, publish.Name));
        Assert.Equal(("servicebus", "shop-events"), (publish.Attributes["messaging.system"], publish.Attributes["messaging.destination.name"]));
        var project = Assert.Single(Find("projector", "Shop.Projector"));
        Assert.Equal((Consumer, request.SpanId), (project.Kind, project.ParentSpanId));
        Assert.Equal(("servicebus", "process"), (project.Attributes["messaging.system"], project.Attributes["messaging.operation.type"]));
        var all = observed.Receiver.SpansOf(traceId);
        Assert.All(Find("projector", "MongoDB.Driver"), span => Assert.Contains(project.SpanId, Ancestors(all, span)));
        Assert.Contains(Find("projector", "MongoDB.Driver"), span => span.Attributes.GetValueOrDefault("db.system.name", span.Attributes.GetValueOrDefault("db.system", "")) == "mongodb");
        await Eventually.TrueAsync(() => Task.FromResult(observed.Receiver.LogsOf(traceId).Any(log => log.Service == "commands" && log.SpanId == request.SpanId)),
            "a log of the request with the trace's ids", Cancellation);

        ReceivedSpan[] Find(string service, string scope) => [.. observed.Receiver.SpansOf(traceId).Where(span => span.Service == service && span.Scope == scope)];
    }

    [Fact]
    public async Task Every_metric_arrives_with_its_name_unit_and_description()
    {
        await observed.PlaceAsync(new RegisterCustomer("METERED", "Customer"), Cancellation);
        using (var refused = await observed.Commands.PostAsJsonAsync("/commands", new PayOrder("NO-SUCH-ORDER"), CommandJson.Default.Command, Cancellation))
            Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        await PublishPoisonAsync();

        var wanted = ShopMetrics.All.Select(metric => (metric.Meter, metric.Name, metric.Unit, metric.Description)).Concat(
        [
            ("Microsoft.AspNetCore.Hosting", "http.server.request.duration", "s", "Duration of HTTP server requests."),
            ("Polly", "resilience.polly.pipeline.duration", "ms", ""),
        ]).ToList();
        try
        {
            await Eventually.TrueAsync(() => Task.FromResult(Missing().Count == 0), "every metric arrives", Cancellation);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Missing: {string.Join("; ", Missing())}\nArrived: {string.Join("; ", observed.Receiver.Metrics.Select(metric => (metric.Scope, metric.Name, metric.Unit, metric.Description)).Distinct())}");
        }

        // Whatever a service measures under our name is in the list, so that the dashboard, the alerts and the operations manual know it.
        Assert.Equal([], observed.Receiver.Metrics.Where(metric => metric.Scope.StartsWith("Shop.", StringComparison.Ordinal))
            .Select(metric => (metric.Scope, metric.Name, metric.Unit, metric.Description)).Distinct().Except(wanted));

        List<(string Scope, string Name, string Unit, string Description)> Missing() =>
            [.. wanted.Except(observed.Receiver.Metrics.Select(metric => (metric.Scope, metric.Name, metric.Unit, metric.Scope == "Polly" ? "" : metric.Description)))];
    }

    [Fact]
    public async Task Health_answers_with_every_check_that_the_manual_lists()
    {
        var documented = HealthRow().Matches(Repository.Read("docs/operations.md")).ToLookup(match => match.Groups[1].Value, match => match.Groups[2].Value);
        foreach (var (service, url) in new[] { ("commands", observed.Shop.CommandsUrl), ("projector", observed.Shop.ProjectorUrl), ("queries", observed.Shop.QueriesUrl) })
        {
            using var http = new HttpClient { BaseAddress = new Uri(url) };
            using var ready = await http.GetAsync("/health", Cancellation);
            Assert.Equal("application/json", ready.Content.Headers.ContentType?.MediaType);
            using var report = JsonDocument.Parse(await ready.Content.ReadAsStringAsync(Cancellation));
            Assert.Contains(report.RootElement.GetProperty("status").GetString(), new[] { "Healthy", "Degraded" });
            var checks = report.RootElement.GetProperty("checks").EnumerateObject().ToDictionary(check => check.Name, check => check.Value.GetProperty("status").GetString());
            Assert.Equal(documented[service].Append("self").Order(StringComparer.Ordinal), checks.Keys.Order(StringComparer.Ordinal));
            using var alive = JsonDocument.Parse(await http.GetStringAsync("/alive", Cancellation));
            Assert.Equal("self", Assert.Single(alive.RootElement.GetProperty("checks").EnumerateObject()).Name);
        }
    }

    private async Task PublishPoisonAsync()
    {
        await using var client = new BusClient(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(observed.Shop.MessagingConnectionString) });
        await using var publisher = client.CreatePublisher("shop-events");
        var poison = new CloudEvent(Guid.CreateVersion7(), "/tests", "shop.order.placed.v1", "order/POISON", TimeProvider.System.GetUtcNow(), null, "order/POISON", "{}"u8.ToArray());
        Assert.Equal(PublishStatus.Accepted, Assert.Single(await publisher.PublishAsync([poison], Cancellation)).Status);
    }

    private static IEnumerable<string> Ancestors(IReadOnlyList<ReceivedSpan> trace, ReceivedSpan? span)
    {
        while (span is not null)
        {
            yield return span.ParentSpanId;
            span = trace.FirstOrDefault(other => other.SpanId == span.ParentSpanId);
        }
    }

    [GeneratedRegex(@"(?m)^\| (commands|projector|queries) \| `([\w.-]+)` \|")]
    private static partial Regex HealthRow();
}
