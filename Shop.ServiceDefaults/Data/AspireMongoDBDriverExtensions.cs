using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Configuration;

namespace Shop.ServiceDefaults.Data;

/// <summary>Stands where <c>Aspire.MongoDB.Driver</c> would: same name, signature, section and health check.</summary>
public static class AspireMongoDBDriverExtensions
{
    private const string Section = "Aspire:MongoDB:Driver";
    private const int DefaultHealthCheckTimeout = 3000;

    /// <summary>
    /// Registers an <see cref="IMongoClient"/> for the connection string of that name, and an <see cref="IMongoDatabase"/> when the
    /// connection string names one.
    /// </summary>
    /// <exception cref="InvalidOperationException">No connection string is configured.</exception>
    public static void AddMongoDBClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<MongoDBSettings>? configureSettings = null,
        Action<MongoClientSettings>? configureClientSettings = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        var settings = AspireSettings.Read<MongoDBSettings>(
            builder.Configuration, Section, connectionName, (target, value) => target.ConnectionString = value, configureSettings);
        if (string.IsNullOrEmpty(settings.ConnectionString)) throw AspireSettings.Missing(connectionName, Section);

        var url = new MongoUrl(settings.ConnectionString);
        builder.Services.AddSingleton<IMongoClient>(_ =>
        {
            var client = MongoClientSettings.FromUrl(url);
            client.TracingOptions = new TracingOptions { Disabled = settings.DisableTracing };
            configureClientSettings?.Invoke(client);
            return new MongoClient(client);
        });
        if (url.DatabaseName is { Length: > 0 } database)
            builder.Services.AddSingleton(services => services.GetRequiredService<IMongoClient>().GetDatabase(database));
        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                "MongoDB.Driver", services => new MongoDBHealthCheck(services.GetRequiredService<IMongoClient>(), url.DatabaseName ?? "admin"),
                HealthStatus.Unhealthy, tags: null, timeout: TimeSpan.FromMilliseconds(settings.HealthCheckTimeout ?? DefaultHealthCheckTimeout)));
        }
    }
}

internal sealed class MongoDBHealthCheck(IMongoClient client, string database) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await client.GetDatabase(database).RunCommandAsync<BsonDocument>(new BsonDocument("ping", 1), cancellationToken: cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception exception) when (exception is MongoException or TimeoutException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "MongoDB does not answer.", exception);
        }
    }
}
