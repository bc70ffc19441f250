using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Scalar.AspNetCore;
using Shop.Commands.Database;
using Shop.Commands.Deciding;
using Shop.Commands.Http;
using Shop.Commands.Observation;
using Shop.Commands.Outbox;
using Shop.Commands.Snapshot;
using Shop.Contracts.Administration;
using Shop.Contracts.Commands;
using Shop.ServiceDefaults;
using Shop.ServiceDefaults.Administration;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Commands;

/// <summary>The write side: commands over HTTP, decided in groups, with the outbox relay beside them.</summary>
public static class CommandsApp
{
    /// <param name="args">Command line.</param>
    /// <param name="configure">Replaces services, for what measures or tests one of them alone.</param>
    public static WebApplication Build(string[] args, Action<IServiceCollection>? configure = null)
    {
        var builder = ServiceDefaults.ServiceDefaults.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.AddNpgsqlDataSource("shopdb", configureDataSourceBuilder: WriterSession.Configure);
        builder.AddAzureServiceBusClient("messaging");
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, CommandJson.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, AdministrationJson.Default);
        });
        builder.Services.AddHealthChecks().AddCheck<OutboxHealthCheck>(OutboxHealthCheck.Name, HealthStatus.Degraded, timeout: OutboxHealthCheck.Timeout).AddCheck<WriterHealthCheck>(WriterHealthCheck.Name);

        builder.Services.AddOptions<OutboxOptions>().BindConfiguration(OutboxOptions.Section)
            .Validate(outbox => outbox.PartitionSize >= 1_000 && outbox.Retention >= TimeSpan.Zero, $"{OutboxOptions.Section} is out of range.").ValidateOnStart();
        builder.Services.AddOptions<IntakeOptions>().BindConfiguration(IntakeOptions.Section)
            .Validate(intake => intake.Capacity is >= 1 and <= 1_000_000, $"{IntakeOptions.Section} is out of range.").ValidateOnStart();
        builder.Services.AddSingleton<Migrator>();
        builder.Services.AddSingleton(services => services.GetRequiredService<BusClient>().CreatePublisher(OutboxRelay.Topic));
        builder.Services.AddSingleton<PublishEvents>(services => services.GetRequiredService<EventPublisher>().PublishAsync);
        builder.Services.AddSingleton<OutboxHandOff>();
        builder.Services.AddSingleton<WriteSideTelemetry>();
        builder.Services.AddSingleton<CommandWriters>();
        builder.Services.AddSingleton<GetBacklog>();

        // Stopped in reverse order: the writers finish what they have taken while the relay still publishes it.
        builder.Services.AddHostedService<OutboxMaintenance>();
        builder.Services.AddHostedService<OutboxWatch>();
        builder.Services.AddHostedService<OutboxRelay>();
        builder.Services.AddHostedService(services => services.GetRequiredService<CommandWriters>());

        builder.Services.AddOpenApi(options => options.AddOperationTransformer((operation, _, _) =>
        {
            CommandExamples.Add(operation);
            return Task.CompletedTask;
        }));

        configure?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.MapDefaultEndpoints();
        app.MapOpenApi();
        if (app.Environment.IsDevelopment()) app.MapScalarApiReference("/docs");
        app.MapPostCommand();
        app.MapPostBatch();
        app.MapGet("/backlog", (GetBacklog backlog, HttpContext context, CancellationToken cancellationToken) => backlog.HandleAsync(context, cancellationToken));
        if (app.MapAdministration() is { } administration)
        {
            administration.MapImport();
            administration.MapParkedEvents();
            administration.MapSnapshot();
        }

        return app;
    }

    /// <summary><c>Shop.Commands migrate</c>: brings the schema up to date and ends. Returns the exit code: 1, and why, when it could not.</summary>
    public static async Task<int> MigrateAloneAsync(string[] args, TextWriter errors)
    {
        try
        {
            await MigrateAsync(args);
            return 0;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or InvalidOperationException)
        {
            await errors.WriteLineAsync($"The schema has not been brought up to date: {exception.Message}");
            return 1;
        }
    }

    /// <summary>Brings the schema up to date.</summary>
    public static async Task MigrateAsync(string[] args)
    {
        var builder = ServiceDefaults.ServiceDefaults.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.Services.AddSingleton<Migrator>();
        await using var app = builder.Build();
        await app.Services.GetRequiredService<Migrator>().RunAsync(app.Lifetime.ApplicationStopping);
    }
}
