using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class ServiceBusRegistrationTests
{
    private const string Section = "Aspire:Azure:Messaging:ServiceBus";

    [Fact]
    public async Task Each_source_of_settings_overrides_the_one_before()
    {
        List<(string Key, string Value)> settings = [];
        await Assert.ThrowsAsync<InvalidOperationException>(() => Host([]));
        settings.Add(($"{Section}:FullyQualifiedNamespace", "namespace.example"));
        Assert.Equal("namespace.example", await Host(settings));
        settings.Add(($"{Section}:ConnectionString", Emulator("root")));
        Assert.Equal("root", await Host(settings));
        settings.Add(($"{Section}:messaging:ConnectionString", Emulator("named")));
        Assert.Equal("named", await Host(settings));
        settings.Add(("ConnectionStrings:messaging", Emulator("connection")));
        Assert.Equal("connection", await Host(settings));
        Assert.Equal("delegate", await Host(settings, value => value.ConnectionString = Emulator("delegate")));
    }

    [Fact]
    public async Task An_entity_path_renames_what_the_service_asks_for()
    {
        var options = new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(Emulator("nowhere.invalid") + "EntityPath=a/Subscriptions/b") };
        await using var client = new BusClient(options);
        client.CreatePublisher("shop-events");
        client.CreateReceiver("shop-events", "projector");

        Assert.Equal(["a", "a/Subscriptions/b"], client.States.Select(state => state.Entity));
        Assert.All(client.States, state => Assert.False(state.IsHealthy));
    }

    private static string Emulator(string host) => $"Endpoint=sb://{host};UseDevelopmentEmulator=true;";

    private static async Task<string> Host(List<(string Key, string Value)> settings, Action<AzureMessagingServiceBusSettings>? configure = null)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.AddAzureServiceBusClient("messaging", configure);
        builder.Services.AddLogging();
        await using var services = builder.Services.BuildServiceProvider();
        return services.GetRequiredService<BusClient>().Options.ConnectionString.Host;
    }
}
