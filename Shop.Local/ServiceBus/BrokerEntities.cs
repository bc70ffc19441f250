namespace Shop.Local.ServiceBus;

/// <summary>What the broker serves.</summary>
public sealed record BrokerEntities(IReadOnlyList<QueueDefinition> Queues, IReadOnlyList<TopicDefinition> Topics)
{
    /// <summary>
    /// The entities of a shop; the one place in which they are defined for the local broker. The lock is short because what a killed projector
    /// held is delivered again only when it ends; a living one renews its locks. The delivery count is the highest that Service Bus allows:
    /// only the projector dead-letters, deliberately.
    /// </summary>
    public static BrokerEntities Shop { get; } = new([],
    [
        new TopicDefinition("shop-events",
        [
            new SubscriptionDefinition("projector", new ReceiveProperties { LockDuration = TimeSpan.FromSeconds(15), MaxDeliveryCount = 2000 }),
        ]),
    ]);
}

public sealed record QueueDefinition(string Name, ReceiveProperties Properties);

/// <param name="Name">The topic's name, one or more path segments.</param>
/// <param name="Subscriptions">Every one of them gets its own copy of a message.</param>
/// <param name="DefaultMessageTimeToLive">The longest life of a message in it; null means for ever.</param>
public sealed record TopicDefinition(
    string Name, IReadOnlyList<SubscriptionDefinition> Subscriptions, TimeSpan? DefaultMessageTimeToLive = null);

/// <param name="Name">The subscription's name.</param>
/// <param name="Properties">How messages are received from it.</param>
/// <param name="Filters">A message is taken when one of them matches; null takes every message.</param>
public sealed record SubscriptionDefinition(string Name, ReceiveProperties Properties, IReadOnlyList<CorrelationFilter>? Filters = null);

/// <summary>How messages are received from a queue or a subscription; the defaults are those of Service Bus.</summary>
public sealed record ReceiveProperties
{
    /// <summary>From 1 second to 5 minutes.</summary>
    public TimeSpan LockDuration { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After so many failed deliveries a message is dead-lettered; 1 to 2000.</summary>
    public int MaxDeliveryCount { get; init; } = 10;

    public bool RequiresSession { get; init; }

    /// <summary>The longest life of a message; null means for ever.</summary>
    public TimeSpan? DefaultMessageTimeToLive { get; init; }

    public bool DeadLetteringOnMessageExpiration { get; init; }
}
