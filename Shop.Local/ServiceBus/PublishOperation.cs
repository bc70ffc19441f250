using System.Runtime.InteropServices;
using Amqp.Framing;

namespace Shop.Local.ServiceBus;

/// <summary>Messages for one destination, taken all together.</summary>
internal sealed class PublishOperation(Destination destination, List<IncomingMessage> messages, int size, Action<Error?> answer) : Operation
{
    private Error? error;
    private bool isAnswered = true;

    public override int Size => size;

    public override void Apply(BrokerEngine engine)
    {
        isAnswered = !engine.Faults.WithholdsAcknowledgement();
        error = Publishing.Check(destination, messages);
        if (error is null) Publishing.Publish(engine, destination, messages);
    }

    public override void Committed()
    {
        if (isAnswered) answer(error);
    }

    public override void Failed(Exception error) => answer(BrokerErrors.InternalError(error.Message));
}

internal static class Publishing
{
    /// <summary>A message for an entity that requires sessions must name one.</summary>
    public static Error? Check(Destination destination, List<IncomingMessage> messages)
    {
        foreach (var message in messages)
        {
            if (message.Properties?.GroupId is not null) continue;
            foreach (var mailbox in destination.Mailboxes)
            {
                if (mailbox.Properties.RequiresSession && mailbox.Takes(message))
                    return BrokerErrors.NotAllowed("The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session support enabled can only receive messages that have the SessionId set to a valid value.");
            }
        }

        return null;
    }

    /// <summary>Numbers the messages, gives them to every mailbox that takes them, and writes them to the log. Returns their sequence numbers.</summary>
    public static long[] Publish(BrokerEngine engine, Destination destination, List<IncomingMessage> messages)
    {
        var sequenceNumbers = new long[messages.Count];
        List<Holding> holders = [];
        for (var i = 0; i < messages.Count; i++)
        {
            sequenceNumbers[i] = Store(engine, destination, messages[i], holders);
            if (engine.Faults.Duplicates()) Store(engine, destination, messages[i], holders);
        }

        return sequenceNumbers;
    }

    private static long Store(BrokerEngine engine, Destination destination, IncomingMessage incoming, List<Holding> holders)
    {
        var message = new StoredMessage
        {
            Destination = destination,
            SequenceNumber = destination.NextSequenceNumber++,
            EnqueuedAt = engine.Now,
            ScheduledFor = engine.Faults.VisibleAt(engine.Now, incoming.ScheduledFor),
            TimeToLive = incoming.TimeToLive,
            SessionId = destination.HasSessions ? incoming.Properties?.GroupId : null,
            Bytes = incoming.Encoded,
            Length = incoming.Encoded.Length,
        };
        holders.Clear();
        foreach (var mailbox in destination.Mailboxes)
        {
            if (!mailbox.Takes(incoming)) continue;
            holders.Add(mailbox.TryRest(message, engine.IsCrowded) ? new Holding(mailbox) : new Holding(mailbox, mailbox.Hold(message)));
        }

        if (holders.Count == 0) return message.SequenceNumber;
        engine.Log?.AppendMessage(message, CollectionsMarshal.AsSpan(holders));
        if (message.References > 0) engine.Cache(message);
        foreach (var holder in holders)
        {
            if (holder.Entry is not null) holder.Mailbox.Place(holder.Entry);
        }

        return message.SequenceNumber;
    }
}
