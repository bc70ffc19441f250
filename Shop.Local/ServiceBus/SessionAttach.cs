using Amqp.Framing;
using Amqp.Listener;
using Amqp.Types;

namespace Shop.Local.ServiceBus;

/// <summary>A receiver that wants a session, named or the next free one. The link is attached when it has got one.</summary>
internal sealed class SessionAttach(
    BrokerEngine engine, Mailbox mailbox, AttachContext context, BrokerTransport transport, string? wanted, TimeSpan timeout) : Operation
{
    private static readonly Symbol SessionFilter = new("com.microsoft:session-filter");
    private static readonly Symbol LockedUntil = new("com.microsoft:locked-until-utc");

    /// <summary>Whether the client has gone while it waited.</summary>
    public bool IsAbandoned => context.Link.IsClosed || context.Link.Session.IsClosed || context.Link.Session.Connection.IsClosed;

    public override void Apply(BrokerEngine engine)
    {
        if (wanted is null) mailbox.LockNextSession(this, engine.Now + timeout);
        else if (!mailbox.TryLockSession(wanted, this)) Refuse(BrokerErrors.SessionCannotBeLocked(wanted));
    }

    public override void Failed(Exception error) => Refuse(BrokerErrors.InternalError(error.Message));

    /// <summary>Makes the receiver of a session that was locked for it; the client hears of it after the batch.</summary>
    public ConsumerLink Accept(MessageSession session)
    {
        var consumer = new ConsumerLink(engine, mailbox, context.Link, transport.Authorization) { Session = session };
        engine.AfterCommit(() => Complete(consumer, session));
        return consumer;
    }

    public void Refuse(Error error) => engine.AfterCommit(() =>
    {
        try
        {
            context.Complete(error);
        }
        catch (Exception gone) when (ConsumerLink.IsLinkGone(gone))
        {
            // Nobody is left to be told.
        }
    });

    private void Complete(ConsumerLink consumer, MessageSession session)
    {
        try
        {
            if (IsAbandoned)
            {
                consumer.OnLinkClosed(context.Link, null!);
                return;
            }

            var attach = context.Attach;
            ((Source)attach.Source).FilterSet[SessionFilter] = session.Id;
            (attach.Properties ??= [])[LockedUntil] = session.LockedUntil.Ticks;
            consumer.Attached();
            context.Complete(consumer, 0);
            if (context.Link.IsClosed) consumer.OnLinkClosed(context.Link, null!);
        }
        catch (Exception gone) when (ConsumerLink.IsLinkGone(gone))
        {
            consumer.OnLinkClosed(context.Link, null!);
        }
    }
}
