namespace Shop.Local.ServiceBus;

/// <summary>
/// Something a client wants. It is applied on the engine's thread and answered in <see cref="Committed"/>, when what it
/// wrote is in the log; <see cref="Failed"/> answers instead when applying it threw.
/// </summary>
internal abstract class Operation
{
    /// <summary>How many bytes it holds while it waits.</summary>
    public virtual int Size => 0;

    /// <summary>Whether somebody waits for its answer, which with fsync must not be given before the disk has it.</summary>
    public virtual bool IsAwaited => true;

    public abstract void Apply(BrokerEngine engine);

    public virtual void Committed()
    {
    }

    public virtual void Failed(Exception error)
    {
    }
}

/// <summary>An operation that only changes what receivers get, so that nothing is answered.</summary>
internal sealed class Wake(Mailbox mailbox, ConsumerLink consumer) : Operation
{
    public override bool IsAwaited => false;

    public override void Apply(BrokerEngine engine) => mailbox.AddHungry(consumer);
}
