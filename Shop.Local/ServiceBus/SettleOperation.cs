using Amqp.Framing;
using Amqp.Types;

namespace Shop.Local.ServiceBus;

/// <summary>A receiver's outcome for a message, confirmed after it is in the log; one that the receiver has settled itself is not waited for.</summary>
internal sealed class SettleOperation(
    Mailbox mailbox, MailboxEntry entry, OutgoingMessage message, SettlementRequest request, DeliveryState outcome, bool isSettled,
    Action<OutgoingMessage, DeliveryState> answer) : Operation
{
    private Error? error;
    private bool isAnswered = true;

    public override bool IsAwaited => !isSettled;

    public override void Apply(BrokerEngine engine)
    {
        isAnswered = !engine.Faults.WithholdsAcknowledgement();
        if (request.Kind is Settlement.DeadLetter && mailbox.DeadLetterQueue is null)
            error = BrokerErrors.NotAllowed("A message in a dead-letter queue cannot be dead-lettered.");
        else if (!mailbox.TrySettle(entry, message.Token, request))
            error = mailbox.Properties.RequiresSession ? BrokerErrors.SessionLockLost(mailbox.Name) : BrokerErrors.MessageLockLost();
    }

    public override void Committed()
    {
        // Clients take the echo of a rejection with its error for a failure.
        if (!isAnswered) return;
        if (error is not null) answer(message, new Rejected { Error = error });
        else answer(message, outcome is Rejected ? new Rejected() : outcome);
    }

    public override void Failed(Exception error) => answer(message, new Rejected { Error = BrokerErrors.InternalError(error.Message) });
}

/// <summary>AMQP's outcomes as Service Bus reads them.</summary>
internal static class Outcomes
{
    private static readonly Symbol DeadLetterReason = new(Mailbox.DeadLetterReason);
    private static readonly Symbol DeadLetterErrorDescription = new(Mailbox.DeadLetterErrorDescription);

    public static bool TryRead(DeliveryState? outcome, out SettlementRequest request)
    {
        switch (outcome)
        {
            case Accepted:
                request = new SettlementRequest(Settlement.Complete);
                return true;
            case Released:
                request = new SettlementRequest(Settlement.Release);
                return true;
            case Rejected rejected:
                request = new SettlementRequest(Settlement.DeadLetter, DeadLetter(rejected.Error));
                return true;
            case Modified modified:
                request = new SettlementRequest(
                    modified.UndeliverableHere ? Settlement.Defer : Settlement.Abandon, Properties(modified.MessageAnnotations));
                return true;
            default:
                request = default;
                return false;
        }
    }

    private static Map DeadLetter(Error? error)
    {
        var properties = new Map();
        foreach (var (key, value) in error?.Info ?? [])
        {
            if (!Equals(key, DeadLetterReason) && !Equals(key, DeadLetterErrorDescription)) properties[key.ToString()] = value;
        }

        // A client without Service Bus's keys says it with a plain AMQP error.
        if ((error?.Info?[DeadLetterReason] ?? error?.Condition?.ToString()) is string reason) properties[Mailbox.DeadLetterReason] = reason;
        if ((error?.Info?[DeadLetterErrorDescription] ?? error?.Description) is string description)
            properties[Mailbox.DeadLetterErrorDescription] = description;
        return properties;
    }

    private static Map? Properties(Fields? annotations)
    {
        if (annotations is null || annotations.Count == 0) return null;
        var properties = new Map();
        foreach (var (key, value) in annotations) properties[key.ToString()] = value;
        return properties;
    }
}
