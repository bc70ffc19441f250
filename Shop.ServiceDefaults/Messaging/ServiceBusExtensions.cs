using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Messaging.Transport;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>Stands where <c>Aspire.Azure.Messaging.ServiceBus</c> would: same name, section and settings; the client is <see cref="BusClient"/>.</summary>
public static class ServiceBusExtensions
{
    private const string Section = "Aspire:Azure:Messaging:ServiceBus";
    private static readonly TimeSpan HealthTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Registers a <see cref="BusClient"/> for the connection string of that name, with a health check that is Degraded, never Unhealthy.</summary>
    /// <exception cref="InvalidOperationException">No connection string and no namespace is configured.</exception>
    /// <exception cref="FormatException">The connection string is malformed; the message never contains the key.</exception>
    public static void AddAzureServiceBusClient(
        this IHostApplicationBuilder builder, string connectionName, Action<AzureMessagingServiceBusSettings>? configureSettings = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        var settings = AspireSettings.Read<AzureMessagingServiceBusSettings>(
            builder.Configuration, Section, connectionName, (target, value) => target.ConnectionString = value, configureSettings);
        var text = string.IsNullOrEmpty(settings.ConnectionString) ? settings.FullyQualifiedNamespace : settings.ConnectionString;
        if (string.IsNullOrEmpty(text)) throw AspireSettings.Missing(connectionName, Section);

        var options = new BusClientOptions
        {
            ConnectionString = ServiceBusConnectionString.Parse(text),
            Credential = settings.Credential,
            DisableTracing = settings.DisableTracing,
        };
        builder.Services.AddSingleton(services => new BusClient(
            options, services.GetRequiredService<ILoggerFactory>(), services.GetService<TimeProvider>()));
        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                "Azure_ServiceBusClient", services => new ServiceBusHealthCheck(services.GetRequiredService<BusClient>(), settings.HealthCheckTopicName),
                HealthStatus.Degraded, tags: null, timeout: HealthTimeout));
        }
    }
}

internal sealed class ServiceBusHealthCheck(BusClient client, string? topic) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (client.States.FirstOrDefault(state => !state.IsHealthy) is { } state)
            return Degraded($"{state.Entity}: {state.Connection} since {state.Since:O}. {state.LastError}");
        try
        {
            await client.ProbeAsync(topic, cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception exception) when (AmqpConnection.IsOutage(exception) || exception is OperationCanceledException)
        {
            return Degraded("The broker does not answer.", exception);
        }
    }

    // A service goes on without the bus for as long as it must: it is never taken out of service for that.
    private static HealthCheckResult Degraded(string description, Exception? exception = null) => HealthCheckResult.Degraded(description, exception);
}
