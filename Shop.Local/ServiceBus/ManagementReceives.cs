using Amqp;
using Amqp.Types;

namespace Shop.Local.ServiceBus;

/// <summary>The requests that look at, lock or settle a mailbox's messages.</summary>
internal static class ManagementReceives
{
    private const int MaxPeeked = 250;
    private const int MaxAnswerBytes = 4 * 1024 * 1024;

    public static Response Peek(BrokerEngine engine, Mailbox mailbox, Map body)
    {
        var from = (long)body["from-sequence-number"];
        var count = Math.Min((int)body["message-count"], MaxPeeked);
        var sessionId = body["session-id"] as string;
        if (body["omit-message-body"] is true) return Response.From(501, BrokerErrors.NotImplemented("Peeking without bodies is not supported."));
        var messages = new List();
        var size = 0;
        foreach (var (sequenceNumber, held) in mailbox.Index.From(from))
        {
            if (messages.Count >= count || size > MaxAnswerBytes) break;
            var entry = held ?? mailbox.View(sequenceNumber);
            if (entry.ExpiresAt <= engine.Now || (sessionId is not null && entry.Message.SessionId != sessionId)) continue;
            size += entry.Message.Length;
            messages.Add(new Map { ["message"] = Bytes(engine.Encode(entry, locked: false)) });
        }

        return messages.Count > 0 ? Response.Ok(new Map { ["messages"] = messages })
            : new Response(204, "No content", null, BrokerErrors.MessageNotFoundCondition);
    }

    public static Response RenewLocks(Mailbox mailbox, Map body)
    {
        if (mailbox.Properties.RequiresSession) return Response.From(400, BrokerErrors.NotAllowed("Renew the lock of the session instead."));
        var tokens = (Guid[])body["lock-tokens"];
        var expirations = new DateTime[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
        {
            if (mailbox.TryRenew(tokens[i]) is not { } until) return LockLost(mailbox);
            expirations[i] = until;
        }

        return Response.Ok(new Map { ["expirations"] = expirations });
    }

    public static Response ReceiveDeferred(BrokerEngine engine, Mailbox mailbox, Map body)
    {
        var sequenceNumbers = (long[])body["sequence-numbers"];
        var sessionId = body["session-id"] as string;
        if (mailbox.Properties.RequiresSession && (sessionId is null || !mailbox.IsSessionLocked(sessionId))) return LockLost(mailbox);
        // All or nothing: a message that is locked and then not handed out would be lost until its lock expires.
        if (!Array.TrueForAll(sequenceNumbers, number => mailbox.Index.TryGet(number, out var entry) && entry.State is EntryState.Deferred))
        {
            return new Response(404, "Not every sequence number is that of a deferred message.", null,
                BrokerErrors.MessageNotFoundCondition);
        }

        var isReceiveAndDelete = body["receiver-settle-mode"] is uint and 0;
        var messages = new List();
        foreach (var sequenceNumber in sequenceNumbers)
        {
            if (mailbox.TryLockDeferred(sequenceNumber, sessionId) is not { } entry) continue;
            messages.Add(new Map { ["message"] = Bytes(engine.Encode(entry, locked: true)), ["lock-token"] = entry.LockToken });
            if (isReceiveAndDelete) mailbox.Remove(entry);
        }

        return Response.Ok(new Map { ["messages"] = messages });
    }

    public static Response Settle(Mailbox mailbox, Map body)
    {
        var status = (string)body["disposition-status"];
        Settlement? kind = status switch
        {
            "completed" => Settlement.Complete,
            "abandoned" => Settlement.Abandon,
            "defered" => Settlement.Defer,
            "suspended" => Settlement.DeadLetter,
            _ => null,
        };
        if (kind is null) return Response.From(501, BrokerErrors.NotImplemented($"The disposition '{status}' is not supported."));
        if (kind is Settlement.DeadLetter && mailbox.DeadLetterQueue is null)
            return Response.From(400, BrokerErrors.NotAllowed("A message in a dead-letter queue cannot be dead-lettered."));
        var properties = new Map();
        foreach (var (key, value) in body["properties-to-modify"] as Map ?? []) properties[key.ToString()] = value;
        if (body["deadletter-reason"] is string reason) properties[Mailbox.DeadLetterReason] = reason;
        if (body["deadletter-description"] is string description) properties[Mailbox.DeadLetterErrorDescription] = description;
        var request = new SettlementRequest(kind.Value, properties);
        var tokens = (Guid[])body["lock-tokens"];
        if (!Array.TrueForAll(tokens, token => mailbox.TryFindLocked(token, out _))) return LockLost(mailbox);
        foreach (var token in tokens)
        {
            if (!mailbox.TryFindLocked(token, out var entry) || !mailbox.TrySettle(entry, token, request)) return LockLost(mailbox);
        }

        return Response.Ok();
    }

    private static Response LockLost(Mailbox mailbox) =>
        Response.From(410, mailbox.Properties.RequiresSession ? BrokerErrors.SessionLockLost(mailbox.Name) : BrokerErrors.MessageLockLost());

    private static byte[] Bytes(ByteBuffer buffer) => buffer.Buffer.AsSpan(buffer.Offset, buffer.Length).ToArray();
}
