namespace Shop.Local.ServiceBus;

/// <summary>Makes destinations and mailboxes of definitions. Paths are those of Service Bus: <c>topic/Subscriptions/name/$DeadLetterQueue</c>.</summary>
internal static class EntityBuilder
{
    private const string DeadLetterQueue = "$DeadLetterQueue";

    /// <exception cref="BrokerStartException">A definition is out of range or a name is used twice.</exception>
    public static void Build(BrokerEngine engine, BrokerEntities entities)
    {
        List<Destination> destinations = [];
        List<Mailbox> mailboxes = [];
        foreach (var queue in entities.Queues)
        {
            var destination = Add(queue.Name, null);
            AddMailbox(destination, queue.Name, queue.Properties, null);
        }

        foreach (var topic in entities.Topics)
        {
            var destination = Add(topic.Name, topic.DefaultMessageTimeToLive);
            foreach (var subscription in topic.Subscriptions)
                AddMailbox(destination, $"{topic.Name}/Subscriptions/{subscription.Name}", subscription.Properties, subscription.Filters);
        }

        engine.Define(destinations, mailboxes);

        Destination Add(string name, TimeSpan? timeToLive)
        {
            if (string.IsNullOrWhiteSpace(name) || name.Contains('$', StringComparison.Ordinal))
                throw new BrokerStartException($"'{name}' cannot be the name of a queue or topic.");
            if (destinations.Exists(other => other.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                throw new BrokerStartException($"The entity '{name}' is defined twice.");
            var destination = new Destination(name, (ushort)(destinations.Count + 1), timeToLive);
            destinations.Add(destination);
            return destination;
        }

        void AddMailbox(Destination destination, string name, ReceiveProperties properties, IReadOnlyList<CorrelationFilter>? filters)
        {
            Check(name, properties);
            if (mailboxes.Exists(other => other.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                throw new BrokerStartException($"The entity '{name}' is defined twice.");
            var mailbox = new Mailbox(engine, name, (ushort)(mailboxes.Count + 1), properties) { Destination = destination, Filters = filters };
            mailboxes.Add(mailbox);
            var deadLetters = new ReceiveProperties { LockDuration = properties.LockDuration, MaxDeliveryCount = int.MaxValue };
            mailbox.DeadLetterQueue = new Mailbox(engine, $"{name}/{DeadLetterQueue}", (ushort)(mailboxes.Count + 1), deadLetters, mailbox) { Destination = destination };
            mailboxes.Add(mailbox.DeadLetterQueue);
            destination.Mailboxes.Add(mailbox);
        }
    }

    private static void Check(string name, ReceiveProperties properties)
    {
        if (properties.LockDuration < TimeSpan.FromSeconds(1) || properties.LockDuration > TimeSpan.FromMinutes(5))
            throw new BrokerStartException($"The LockDuration of '{name}' must be between 1 second and 5 minutes.");
        if (properties.MaxDeliveryCount is < 1 or > 2000)
            throw new BrokerStartException($"The MaxDeliveryCount of '{name}' must be between 1 and 2000.");
    }
}
