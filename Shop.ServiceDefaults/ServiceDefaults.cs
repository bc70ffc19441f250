using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Shop.ServiceDefaults.Administration;
using Shop.ServiceDefaults.Health;
using Shop.ServiceDefaults.Http;
using Shop.ServiceDefaults.Observability;
using Shop.ServiceDefaults.Resilience;

namespace Shop.ServiceDefaults;

/// <summary>What every service does the same way: observe, survive, find the others, report its health.</summary>
public static class ServiceDefaults
{
    /// <summary>
    /// A builder whose content root is where the service's own files are, from whatever directory it is started: elsewhere it would miss its
    /// settings, and write a line per request.
    /// </summary>
    public static WebApplicationBuilder CreateBuilder(string[] args) =>
        WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = ProblemTypes.Customize);
        builder.Services.AddRequestTimeouts();
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler(Pipelines.ConfigureHttp);
            http.AddServiceDiscovery();
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Pipelines.ShutdownBudget);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.AddObservability();
        builder.AddHealth();
        builder.AddAdministration();
        return builder;
    }

    /// <summary><c>/health</c> (ready) and <c>/alive</c> (live), in every environment: Kubernetes asks for them everywhere.
    /// Where <c>Shop:Metrics</c> is <c>prometheus</c> also <c>/metrics</c>, on the administration port.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.UseRequestTimeouts();
        app.UseMetricsEndpoint();
        app.MapHealth();
        return app;
    }
}
