using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Shop.Tests.Observability;

/// <summary>A receiver of OTLP over HTTP in protobuf (https://opentelemetry.io/docs/specs/otlp/) that keeps what it gets.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ConcurrentQueue<ReceivedSpan> spans = new();
    private readonly ConcurrentDictionary<ReceivedMetric, bool> metrics = new();
    private readonly ConcurrentQueue<ReceivedLog> logs = new();

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        app.MapPost("/v1/traces", context => ReceiveAsync(context, request => OtlpMessages.Spans(request).ForEach(spans.Enqueue)));
        app.MapPost("/v1/metrics", context => ReceiveAsync(context, request => OtlpMessages.Metrics(request).ForEach(metric => metrics[metric] = true)));
        app.MapPost("/v1/logs", context => ReceiveAsync(context, request => OtlpMessages.Logs(request).ForEach(logs.Enqueue)));
    }

    public string Url => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>Different metrics; their values are not kept.</summary>
    public IReadOnlyCollection<ReceivedMetric> Metrics => [.. metrics.Keys];

    public static async Task<OtlpReceiver> StartAsync(CancellationToken cancellationToken)
    {
        var receiver = new OtlpReceiver();
        await receiver.app.StartAsync(cancellationToken);
        return receiver;
    }

    public IReadOnlyList<ReceivedSpan> SpansOf(string traceId) => [.. spans.Where(span => span.TraceId == traceId)];

    public IReadOnlyList<ReceivedLog> LogsOf(string traceId) => [.. logs.Where(log => log.TraceId == traceId)];

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private static async Task ReceiveAsync(HttpContext context, Action<ProtobufMessage> keep)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        keep(ProtobufMessage.Parse(body.ToArray()));
        // An empty message is the answer of full success.
        context.Response.ContentType = "application/x-protobuf";
    }
}
