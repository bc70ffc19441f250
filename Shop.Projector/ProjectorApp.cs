using Microsoft.Extensions.Diagnostics.HealthChecks;
using Shop.Contracts.Administration;
using Shop.Contracts.Views;
using Shop.Projector.DeadLetters;
using Shop.Projector.Hosting;
using Shop.Projector.Observation;
using Shop.Projector.Projection;
using Shop.Projector.Rebuild;
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
        var builder = ServiceDefaults.ServiceDefaults.CreateBuilder(args);
        builder.AddServiceDefaults();
        // A store that is away is no reason to restart the projector: it says Degraded and waits.
        builder.AddReadModels(settings => settings.DisableHealthChecks = true);
        builder.AddAzureServiceBusClient("messaging");
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, PipelineJson.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, AdministrationJson.Default);
        });
        builder.Services.AddSingleton<OrderProjection>();
        builder.Services.AddSingleton<SummaryRecomputation>();
        builder.Services.AddSingleton<ProjectorTelemetry>();
        builder.Services.AddSingleton<ProjectionStatus>();
        builder.Services.AddHostedService<ProjectionWorker>();
        builder.Services.AddHostedService<SummaryWorker>();
        builder.Services.AddHostedService<SearchBackfill>();
        builder.Services.AddSingleton<DeadLetterQueue>();
        builder.Services.AddSingleton<DeadLetterWatch>();
        builder.Services.AddHostedService(services => services.GetRequiredService<DeadLetterWatch>());
        builder.AddRebuild();
        builder.Services.AddHealthChecks().AddCheck<ProjectionHealthCheck>("projection", timeout: TimeSpan.FromSeconds(4))
            .Add(new HealthCheckRegistration("dead-letters", services => services.GetRequiredService<DeadLetterWatch>(), HealthStatus.Degraded, tags: null));

        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapLag();
        if (app.MapAdministration() is { } administration)
        {
            administration.MapDeadLetters();
            administration.MapRebuild();
        }

        return app;
    }
}
