using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Shop.ServiceDefaults.Observability;

/// <summary>
/// Traces, metrics and logs; they leave the process over OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set. What nobody gets is not made: a
/// span without an exporter costs as much as one with.
/// </summary>
internal static class Telemetry
{
    /// <summary>Every source and meter of ours is named <c>Shop.</c> and its part.</summary>
    private const string OurSources = "Shop.*";

    public static void AddObservability(this WebApplicationBuilder builder)
    {
        var overOtlp = !string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        var forPrometheus = MetricsEndpoint.IsConfigured(builder.Configuration);
        if (!overOtlp && !forPrometheus) return;

        var telemetry = builder.Services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            metrics.AddMeter(OurSources).AddMeter("Polly").AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation();
            if (forPrometheus) metrics.AddPrometheusExporter();
        });
        if (!overOtlp) return;

        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        telemetry.WithTracing(tracing => tracing
                .AddSource(OurSources)
                .AddSource("MongoDB.Driver")
                .AddAspNetCoreInstrumentation(http => http.Filter = context => !IsProbe(context.Request.Path.Value))
                .AddHttpClientInstrumentation(http => http.FilterHttpRequestMessage = request => !IsProbe(request.RequestUri?.AbsolutePath)))
            .UseOtlpExporter();
    }

    // Probes, scrapes and looks at the pipeline come every few seconds for ever and would drown the traces that mean something.
    private static bool IsProbe(string? path) => path is "/health" or "/alive" or "/lag" or "/backlog" or "/pipeline" or MetricsEndpoint.Path;
}
