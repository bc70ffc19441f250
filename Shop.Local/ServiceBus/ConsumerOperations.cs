namespace Shop.Local.ServiceBus;

/// <summary>A receiver wants what there is now and its remaining credit back.</summary>
internal sealed class DrainConsumer(Mailbox mailbox, ConsumerLink consumer) : Operation
{
    public override void Apply(BrokerEngine engine)
    {
        mailbox.AddHungry(consumer);
        engine.AfterCommit(consumer.CompleteDrain);
    }
}

/// <summary>A receiver has gone. What it has locked stays locked, except in a session.</summary>
internal sealed class RemoveConsumer(Mailbox mailbox, ConsumerLink consumer) : Operation
{
    public override void Apply(BrokerEngine engine)
    {
        mailbox.RemoveHungry(consumer);
        if (consumer.Session is not null) mailbox.CloseSession(consumer.Session, consumer);
    }
}
