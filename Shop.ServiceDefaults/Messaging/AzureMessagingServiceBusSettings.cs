using Azure.Core;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>Names and meaning as in Aspire's integration, section <c>Aspire:Azure:Messaging:ServiceBus</c>.</summary>
public sealed class AzureMessagingServiceBusSettings
{
    /// <summary>Any form that <see cref="ServiceBusConnectionString.Parse"/> understands.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Used when there is no connection string: <c>name.servicebus.windows.net</c> with <see cref="Credential"/>.</summary>
    public string? FullyQualifiedNamespace { get; set; }

    /// <summary>Null means <c>DefaultAzureCredential</c>.</summary>
    public TokenCredential? Credential { get; set; }

    /// <summary>The health check attaches to this topic too, so that a missing entity or right shows.</summary>
    public string? HealthCheckTopicName { get; set; }

    public bool DisableHealthChecks { get; set; }

    public bool DisableTracing { get; set; }
}
