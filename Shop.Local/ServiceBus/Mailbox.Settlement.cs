using Amqp.Types;

namespace Shop.Local.ServiceBus;

internal enum Settlement
{
    Complete,
    Abandon,
    Release,
    Defer,
    DeadLetter,
}

/// <summary>What a receiver wants done with a message that it has locked.</summary>
/// <param name="Kind">The outcome.</param>
/// <param name="Properties">Application properties to lay over the message's; for a dead letter also its reason and description.</param>
internal readonly record struct SettlementRequest(Settlement Kind, Map? Properties = null);

internal sealed partial class Mailbox
{
    public const string DeadLetterReason = "DeadLetterReason";
    public const string DeadLetterErrorDescription = "DeadLetterErrorDescription";

    public bool TryFindLocked(Guid token, out MailboxEntry entry) => byToken.TryGetValue(token, out entry!);

    /// <summary>Settles an entry that its receiver still holds; false when the lock is lost.</summary>
    public bool TrySettle(MailboxEntry entry, Guid token, SettlementRequest request)
    {
        if (entry.State is not EntryState.Locked || entry.LockToken != token || entry.LockedUntil <= engine.Now) return false;
        // Before anything changes, because this may throw on what a client has sent.
        if (request is { Kind: not Settlement.Complete and not Settlement.DeadLetter, Properties.Count: > 0 }) Overlay(entry, request.Properties);
        switch (request.Kind)
        {
            case Settlement.Complete:
                Remove(entry);
                break;
            case Settlement.DeadLetter:
                MoveToDeadLetters(entry, request.Properties ?? []);
                break;
            case Settlement.Defer:
                Unlock(entry);
                entry.State = EntryState.Deferred;
                entry.Deferred = true;
                engine.Log?.AppendEntry(entry, Id);
                break;
            case Settlement.Release:
                Unlock(entry);
                ReturnUnsettled(entry);
                break;
            default:
                FailDelivery(entry);
                break;
        }

        return true;
    }

    /// <summary>Takes a lock back without counting a failed delivery: nothing of the message has reached the receiver.</summary>
    public void TakeBack(MailboxEntry entry, Guid token)
    {
        if (entry.State is not EntryState.Locked || entry.LockToken != token) return;
        Unlock(entry);
        ReturnUnsettled(entry);
    }

    public DateTime? TryRenew(Guid token)
    {
        if (!byToken.TryGetValue(token, out var entry) || entry.LockedUntil <= engine.Now) return null;
        var list = entry.Locks!;
        list.Remove(entry);
        entry.LockedUntil = engine.Now + Properties.LockDuration;
        list.Append(entry);
        return entry.LockedUntil;
    }

    /// <summary>Locks a deferred message for a receiver that asked for it by its sequence number.</summary>
    public MailboxEntry? TryLockDeferred(long sequenceNumber, string? sessionId)
    {
        if (!Index.TryGet(sequenceNumber, out var entry) || entry.State is not EntryState.Deferred) return null;
        if (Properties.RequiresSession && entry.Message.SessionId != sessionId) return null;
        Lock(entry, Properties.RequiresSession ? SessionOf(entry).Locks : locks);
        return entry;
    }

    public bool TryCancelSchedule(long sequenceNumber)
    {
        if (!Index.TryGet(sequenceNumber, out var entry) || entry.State is not EntryState.Scheduled) return false;
        Remove(entry);
        return true;
    }

    /// <summary>The next moment at which <see cref="OnTime"/> has something to do.</summary>
    public DateTime NextDue
    {
        get
        {
            var due = Earlier(scheduled.NextDue, expiring.NextDue);
            due = Earlier(Earlier(due, nextWaiterCheck), RestingDue);
            if (locks.First is { } entry) due = Earlier(due, entry.LockedUntil);
            return sessionLocks.First is { } session ? Earlier(due, session.Value.LockedUntil) : due;
        }
    }

    /// <summary>Expires locks and messages, and makes scheduled messages visible.</summary>
    public void OnTime()
    {
        while (locks.First is { } locked && locked.LockedUntil <= engine.Now) FailDelivery(locked);
        while (scheduled.TryTakeDue(engine.Now, out var entry))
        {
            entry.State = EntryState.Ready;
            Place(entry);
        }

        while (expiring.TryTakeDue(engine.Now, out var entry))
        {
            // Service Bus does not expire what somebody has locked; it is looked at again when it comes back.
            if (entry.State is not EntryState.Locked) Expire(entry);
            ready.DropRemoved();
        }

        ExpireResting();
        OnTimeForSessions();
    }

    /// <summary>A delivery that was abandoned or whose lock ran out: available again, or a dead letter when it has been tried often enough.</summary>
    private void FailDelivery(MailboxEntry entry)
    {
        Unlock(entry);
        entry.DeliveryCount++;
        if (entry.DeliveryCount >= Properties.MaxDeliveryCount && DeadLetterQueue is not null)
        {
            MoveToDeadLetters(entry, new Map
            {
                [DeadLetterReason] = "MaxDeliveryCountExceeded",
                [DeadLetterErrorDescription] = $"Message could not be consumed after {Properties.MaxDeliveryCount} delivery attempts.",
            });
            return;
        }

        engine.Log?.AppendEntry(entry, Id);
        ReturnUnsettled(entry);
    }

    private void ReturnUnsettled(MailboxEntry entry)
    {
        if (IsExpired(entry)) return;
        if (entry.Deferred) entry.State = EntryState.Deferred;
        else Return(entry);
    }

    private bool IsExpired(MailboxEntry entry)
    {
        if (entry.ExpiresAt > engine.Now) return false;
        Expire(entry);
        return true;
    }

    private void Expire(MailboxEntry entry)
    {
        if (!Properties.DeadLetteringOnMessageExpiration || DeadLetterQueue is null)
        {
            Remove(entry);
            return;
        }

        MoveToDeadLetters(entry, new Map
        {
            [DeadLetterReason] = "TTLExpiredException",
            [DeadLetterErrorDescription] = "The message expired and was dead lettered.",
        });
    }

    private void MoveToDeadLetters(MailboxEntry entry, Map reason)
    {
        Overlay(entry, reason);
        engine.Log?.AppendEntry(entry, DeadLetterQueue!.Id);
        var moved = DeadLetterQueue!.Receive(entry);
        Forget(entry);
        DeadLetterQueue.Place(moved);
    }

    /// <summary>Holds a message that comes from the mailbox whose dead letters these are, with what is laid over it.</summary>
    public MailboxEntry Receive(MailboxEntry entry)
    {
        var moved = Hold(entry.Message);
        if (engine.Log is not null) MessageLog.AddHolder(entry.Message);
        moved.DeliveryCount = entry.DeliveryCount;
        moved.Overrides = entry.Overrides;
        return moved;
    }

    private static void Overlay(MailboxEntry entry, Map properties)
    {
        var map = entry.Overrides is null ? [] : MessageFormat.DecodeOverrides(entry.Overrides);
        foreach (var (key, value) in properties) map[key] = value;
        entry.Overrides = MessageFormat.EncodeOverrides(map);
    }

    private static DateTime Earlier(DateTime left, DateTime right) => left < right ? left : right;
}
