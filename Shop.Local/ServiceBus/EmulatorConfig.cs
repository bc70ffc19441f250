using System.Text.Json;
using System.Xml;

namespace Shop.Local.ServiceBus;

/// <summary>
/// Reads the official emulator's Config.json: queues, topics, subscriptions and correlation rules of all its namespaces. A key
/// that this broker does not honour is refused by its path rather than ignored.
/// </summary>
public static class EmulatorConfig
{
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <exception cref="BrokerStartException">The file is missing, is no such file, or asks for what is not supported.</exception>
    public static async Task<BrokerEntities> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = File.OpenRead(path);
            using var document = await JsonDocument.ParseAsync(file, Lenient, cancellationToken);
            return Read(new ConfigNode(document.RootElement, ""));
        }
        catch (BrokerStartException error)
        {
            throw new BrokerStartException($"The configuration '{path}' cannot be used: {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or FormatException or InvalidOperationException or OverflowException)
        {
            throw new BrokerStartException($"The configuration '{path}' cannot be read: {error.Message}", error);
        }
    }

    private static BrokerEntities Read(ConfigNode root)
    {
        List<QueueDefinition> queues = [];
        List<TopicDefinition> topics = [];
        root.Allow("UserConfig");
        var user = root.Get("UserConfig") ?? throw new BrokerStartException("UserConfig is missing.");
        user.Allow("Namespaces", "Logging");
        foreach (var space in user.Items("Namespaces"))
        {
            space.Allow("Name", "Queues", "Topics");
            foreach (var queue in space.Items("Queues"))
            {
                queue.Allow("Name", "Properties");
                queues.Add(new QueueDefinition(queue.Text("Name") ?? "", ReadProperties(queue.Get("Properties"))));
            }

            foreach (var topic in space.Items("Topics")) topics.Add(ReadTopic(topic));
        }

        return new BrokerEntities(queues, topics);
    }

    private static TopicDefinition ReadTopic(ConfigNode topic)
    {
        topic.Allow("Name", "Properties", "Subscriptions");
        var properties = topic.Get("Properties");
        properties?.Allow("DefaultMessageTimeToLive", "DuplicateDetectionHistoryTimeWindow", "RequiresDuplicateDetection");
        properties?.RefuseTrue("RequiresDuplicateDetection");
        List<SubscriptionDefinition> subscriptions = [];
        foreach (var subscription in topic.Items("Subscriptions"))
        {
            subscription.Allow("Name", "Properties", "Rules");
            subscriptions.Add(new SubscriptionDefinition(
                subscription.Text("Name") ?? "", ReadProperties(subscription.Get("Properties")), ReadRules(subscription)));
        }

        return new TopicDefinition(topic.Text("Name") ?? "", subscriptions, Duration(properties, "DefaultMessageTimeToLive"));
    }

    private static ReceiveProperties ReadProperties(ConfigNode? node)
    {
        var properties = new ReceiveProperties();
        if (node is null) return properties;
        node.Allow("DeadLetteringOnMessageExpiration", "DefaultMessageTimeToLive", "LockDuration", "MaxDeliveryCount", "RequiresSession",
            "DuplicateDetectionHistoryTimeWindow", "RequiresDuplicateDetection", "ForwardTo", "ForwardDeadLetteredMessagesTo");
        node.RefuseTrue("RequiresDuplicateDetection");
        node.RefuseText("ForwardTo");
        node.RefuseText("ForwardDeadLetteredMessagesTo");
        return properties with
        {
            LockDuration = Duration(node, "LockDuration") ?? properties.LockDuration,
            MaxDeliveryCount = node.Number("MaxDeliveryCount") ?? properties.MaxDeliveryCount,
            RequiresSession = node.Flag("RequiresSession") ?? properties.RequiresSession,
            DefaultMessageTimeToLive = Duration(node, "DefaultMessageTimeToLive"),
            DeadLetteringOnMessageExpiration = node.Flag("DeadLetteringOnMessageExpiration") ?? properties.DeadLetteringOnMessageExpiration,
        };
    }

    private static List<CorrelationFilter>? ReadRules(ConfigNode subscription)
    {
        List<CorrelationFilter>? filters = null;
        foreach (var rule in subscription.Items("Rules"))
        {
            rule.Allow("Name", "Properties");
            var properties = rule.Get("Properties") ?? throw new BrokerStartException($"{rule.Path} has no Properties.");
            properties.Allow("FilterType", "CorrelationFilter");
            if (properties.Text("FilterType") is not "Correlation")
                throw new BrokerStartException($"{properties.Path}.FilterType must be Correlation; other filters are not supported.");
            var filter = properties.Get("CorrelationFilter") ?? throw new BrokerStartException($"{properties.Path} has no CorrelationFilter.");
            filter.Allow("ContentType", "CorrelationId", "Label", "MessageId", "ReplyTo", "ReplyToSessionId", "SessionId", "To", "Properties");
            (filters ??= []).Add(new CorrelationFilter
            {
                ContentType = filter.Text("ContentType"),
                CorrelationId = filter.Text("CorrelationId"),
                Label = filter.Text("Label"),
                MessageId = filter.Text("MessageId"),
                ReplyTo = filter.Text("ReplyTo"),
                ReplyToSessionId = filter.Text("ReplyToSessionId"),
                SessionId = filter.Text("SessionId"),
                To = filter.Text("To"),
                Properties = filter.Get("Properties")?.Texts() ?? [],
            });
        }

        return filters;
    }

    private static TimeSpan? Duration(ConfigNode? node, string name)
    {
        if (node?.Text(name) is not { Length: > 0 } text) return null;
        try
        {
            return XmlConvert.ToTimeSpan(text);
        }
        catch (OverflowException)
        {
            // The emulator's documentation writes P10675199DT2H48M5.4775807S and the like for "for ever".
            return null;
        }
    }
}
