using Shop.Projector.Hosting;
using Shop.Projector.Observation;
using Shop.Projector.Projection;
using Shop.Projector.Summaries;
using Shop.ServiceDefaults;
using Shop.ServiceDefaults.Administration;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Projector;

/// <summary>The projector's process: bus in, read model out.</summary>
public static class ProjectorApp
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddServiceDefaults();
        // A store that is away is no reason to restart the projector: it says Degraded and waits.
        builder.AddReadModels(settings => settings.DisableHealthChecks = true);
        builder.AddAzureServiceBusClient("messaging");
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ProjectorJson.Default));
        builder.Services.AddSingleton<OrderProjection>();
        builder.Services.AddSingleton<SummaryRecomputation>();
        builder.Services.AddSingleton<ProjectorTelemetry>();
        builder.Services.AddSingleton<ProjectionStatus>();
        builder.Services.AddHostedService<ProjectionWorker>();
        builder.Services.AddHostedService<SummaryWorker>();
        builder.Services.AddHealthChecks().AddCheck<ProjectionHealthCheck>("projection", timeout: TimeSpan.FromSeconds(4));

        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapGet("/lag", (ProjectionStatus status) => TypedResults.Ok(status.Lag()));
        app.MapAdministration();
        return app;
    }
}
