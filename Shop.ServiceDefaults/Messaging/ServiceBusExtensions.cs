using Microsoft.Extensions.Hosting;

namespace Shop.ServiceDefaults.Messaging;

public static class ServiceBusExtensions
{
    public static void AddAzureServiceBusClient(
        this IHostApplicationBuilder builder, string connectionName, Action<AzureMessagingServiceBusSettings>? configureSettings = null) =>
        throw new NotImplementedException($"{builder}{connectionName}{configureSettings}");
}
