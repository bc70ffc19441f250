using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Shop.ServiceDefaults.Administration;

namespace Shop.ServiceDefaults.Observability;

/// <summary>
/// <c>GET /metrics</c> as Prometheus reads it, when <c>Shop:Metrics</c> is <c>prometheus</c>: on the administration port only, with its key
/// (<c>authorization: { credentials: KEY }</c> in Prometheus' scrape configuration).
/// </summary>
internal static class MetricsEndpoint
{
    public const string Path = "/metrics";
    private const string ConfigurationKey = "Shop:Metrics";
    private const string Prometheus = "prometheus";

    /// <exception cref="InvalidOperationException">The setting is something else, or there is no administration port.</exception>
    public static bool IsConfigured(IConfiguration configuration)
    {
        if (configuration[ConfigurationKey] is not { Length: > 0 } wanted) return false;
        if (!wanted.Equals(Prometheus, StringComparison.OrdinalIgnoreCase))
            throw new InvalidOperationException($"{ConfigurationKey} is {wanted}; it can be {Prometheus} or nothing.");
        if (string.IsNullOrWhiteSpace(configuration[AdministrationPort.UrlKey]))
            throw new InvalidOperationException($"{ConfigurationKey} is {Prometheus}, so {AdministrationPort.UrlKey} must be set: metrics are for the administration port only.");
        return true;
    }

    public static void UseMetricsEndpoint(this WebApplication app)
    {
        if (!IsConfigured(app.Configuration)) return;
        var (isAdministration, hasKey) = (AdministrationPort.ThroughAdministrationPort(app), AdministrationPort.WithKey(app));
        app.UseWhen(context => context.Request.Path == Path && isAdministration(context), metrics =>
        {
            metrics.Use((context, next) =>
            {
                if (hasKey(context)) return next(context);
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                return Task.CompletedTask;
            });
            metrics.UseOpenTelemetryPrometheusScrapingEndpoint(Path);
        });
    }
}
