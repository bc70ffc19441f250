using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MongoDB.Driver;
using Npgsql;
using Shop.ServiceDefaults.Data;

namespace Shop.Tests.ServiceDefaults.Data;

/// <summary>Names, sections, precedence and health checks are those of Aspire.Npgsql and Aspire.MongoDB.Driver, so that either can take the other's place.</summary>
public sealed class AspireCompatibilityTests
{
    private const string Npgsql = "Aspire:Npgsql";
    private const string Mongo = "Aspire:MongoDB:Driver";

    [Fact]
    public void Each_source_of_PostgreSQL_settings_overrides_the_one_before()
    {
        List<(string Key, string Value)> settings = [];
        Assert.Contains("ConnectionStrings:shopdb", Assert.Throws<InvalidOperationException>(() => Database()).Message, StringComparison.Ordinal);
        settings.Add(($"{Npgsql}:ConnectionString", "Host=root"));
        Assert.Equal("root", Database());
        settings.Add(($"{Npgsql}:shopdb:ConnectionString", "Host=named"));
        Assert.Equal("named", Database());
        settings.Add(("ConnectionStrings:shopdb", "Host=connection"));
        Assert.Equal("connection", Database());
        Assert.Equal("delegate", Database(value => value.ConnectionString = "Host=delegate"));

        string? Database(Action<NpgsqlSettings>? configure = null)
        {
            using var services = Services(settings, builder => builder.AddNpgsqlDataSource("shopdb", configure));
            return new NpgsqlConnectionStringBuilder(services.GetRequiredService<NpgsqlDataSource>().ConnectionString).Host;
        }
    }

    [Fact]
    public void Each_source_of_MongoDB_settings_overrides_the_one_before()
    {
        List<(string Key, string Value)> settings = [];
        Assert.Contains("ConnectionStrings:readdb", Assert.Throws<InvalidOperationException>(() => Server()).Message, StringComparison.Ordinal);
        settings.Add(($"{Mongo}:ConnectionString", "mongodb://root"));
        Assert.Equal("root", Server());
        settings.Add(($"{Mongo}:readdb:ConnectionString", "mongodb://named"));
        Assert.Equal("named", Server());
        settings.Add(("ConnectionStrings:readdb", "mongodb://connection"));
        Assert.Equal("connection", Server());
        Assert.Equal("delegate", Server(value => value.ConnectionString = "mongodb://delegate"));

        string? Server(Action<MongoDBSettings>? configure = null)
        {
            using var services = Services(settings, builder => builder.AddMongoDBClient("readdb", configure));
            return services.GetRequiredService<IMongoClient>().Settings.Server.Host;
        }
    }

    [Theory]
    [InlineData("mongodb://localhost/shop", "shop")]
    [InlineData("mongodb://localhost", null)]
    [InlineData("mongodb://admin:secret@localhost:1/shop?authSource=admin&authMechanism=SCRAM-SHA-256", "shop")]
    public void A_database_is_registered_when_the_connection_string_names_one(string connectionString, string? database)
    {
        using var services = Services([("ConnectionStrings:readdb", connectionString)], builder => builder.AddMongoDBClient("readdb"));
        Assert.Equal(database, services.GetService<IMongoDatabase>()?.DatabaseNamespace.DatabaseName);
    }

    [Fact]
    public void Health_checks_have_the_integrations_names_and_can_be_switched_off()
    {
        List<(string, string)> settings = [("ConnectionStrings:shopdb", "Host=localhost"), ("ConnectionStrings:readdb", "mongodb://localhost/shop")];
        Assert.Equal(["MongoDB.Driver", "PostgreSql"], Checks());
        settings.Add(($"{Npgsql}:DisableHealthChecks", "true"));
        settings.Add(($"{Mongo}:readdb:DisableHealthChecks", "true"));
        Assert.Empty(Checks());

        string[] Checks()
        {
            using var services = Services(settings, builder =>
            {
                builder.AddNpgsqlDataSource("shopdb");
                builder.AddMongoDBClient("readdb");
            });
            return [.. services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations.Select(check => check.Name).Order(StringComparer.Ordinal)];
        }
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public void Tracing_of_MongoDB_can_be_switched_off(string disabled)
    {
        List<(string, string)> settings =
        [
            ("ConnectionStrings:shopdb", "Host=localhost"), ($"{Npgsql}:DisableTracing", disabled),
            ("ConnectionStrings:readdb", "mongodb://localhost/shop"), ($"{Mongo}:DisableTracing", disabled),
        ];
        using var services = Services(settings, builder =>
        {
            builder.AddNpgsqlDataSource("shopdb");
            builder.AddMongoDBClient("readdb");
        });
        Assert.Equal(disabled == "true", services.GetRequiredService<IMongoClient>().Settings.TracingOptions.Disabled);
    }

    private static ServiceProvider Services(List<(string Key, string Value)> settings, Action<IHostApplicationBuilder> add)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        add(builder);
        builder.Services.AddLogging();
        return builder.Services.BuildServiceProvider();
    }
}
