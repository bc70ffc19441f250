namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>Names of topics and subscriptions as link addresses.</summary>
internal static class EntityAddress
{
    /// <summary>RabbitMQ: the topic is a routing key of <c>amq.topic</c>; a bare name would declare a queue that does not survive a restart.</summary>
    public static string Topic(BusDialect dialect, string topic) => dialect == BusDialect.RabbitMq ? $"/exchange/amq.topic/{topic}" : topic;

    /// <summary>RabbitMQ: a durable queue <c>topic.subscription</c> that somebody has bound to <c>amq.topic</c> with the topic as key.</summary>
    public static (string Entity, string Address) Subscription(BusDialect dialect, string topic, string subscription, bool deadLetterQueue)
    {
        if (dialect == BusDialect.RabbitMq)
        {
            var queue = $"{topic}.{subscription}{(deadLetterQueue ? ".dead-letter" : "")}";
            return (queue, $"/amq/queue/{queue}");
        }

        var entity = $"{topic}/Subscriptions/{subscription}{(deadLetterQueue ? "/$DeadLetterQueue" : "")}";
        return (entity, entity);
    }
}
