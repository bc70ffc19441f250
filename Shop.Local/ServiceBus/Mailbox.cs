namespace Shop.Local.ServiceBus;

/// <summary>Something messages are received from: a queue, a subscription, or the dead-letter queue of one. Belongs to the engine's thread.</summary>
internal sealed partial class Mailbox(BrokerEngine engine, string name, ushort id, ReceiveProperties properties, Mailbox? deadLetterSource = null)
{
    private readonly ReadyQueue ready = new();
    private readonly LockList locks = new();
    private readonly DueQueue scheduled = new(entry => entry.State is EntryState.Scheduled);
    private readonly DueQueue expiring = new(entry => entry.State is not EntryState.Removed);
    private readonly Dictionary<Guid, MailboxEntry> byToken = [];
    private readonly LinkedList<ConsumerLink> hungry = [];
    private bool isDirty;

    public string Name { get; } = name;

    public ushort Id { get; } = id;

    public ReceiveProperties Properties { get; } = properties;

    public SequenceIndex Index { get; } = new();

    /// <summary>What its messages are sent to; null for what only the log still knows.</summary>
    public Destination? Destination { get; init; }

    public IReadOnlyList<CorrelationFilter>? Filters { get; init; }

    public Mailbox? DeadLetterQueue { get; set; }

    /// <summary>The mailbox whose dead letters these are.</summary>
    public Mailbox? DeadLetterSource { get; } = deadLetterSource;

    public bool Takes(IncomingMessage message)
    {
        if (Filters is null) return true;
        foreach (var filter in Filters)
        {
            if (filter.Matches(message)) return true;
        }

        return false;
    }

    /// <summary>Puts a message in; it becomes visible when <see cref="Place"/> is called.</summary>
    public MailboxEntry Hold(StoredMessage message)
    {
        var entry = new MailboxEntry(message, this);
        message.References++;
        Index.Add(entry);
        return entry;
    }

    /// <summary>Gives a held entry its place: scheduled, deferred or ready, and its time of expiry.</summary>
    public void Place(MailboxEntry entry)
    {
        var message = entry.Message;
        if (message.ScheduledFor > engine.Now && !entry.Deferred && DeadLetterSource is null)
        {
            entry.State = EntryState.Scheduled;
            scheduled.Add(entry, message.ScheduledFor);
            return;
        }

        SetExpiry(entry);
        if (entry.Deferred) entry.State = EntryState.Deferred;
        else Return(entry);
    }

    private void SetExpiry(MailboxEntry entry)
    {
        entry.ExpiresAt = ExpiryOf(entry.Message);
        if (entry.ExpiresAt < DateTime.MaxValue) expiring.Add(entry, entry.ExpiresAt);
    }

    private DateTime ExpiryOf(StoredMessage message)
    {
        if (DeadLetterSource is not null || Shortest(message.TimeToLive, message.Destination.DefaultTimeToLive, Properties.DefaultMessageTimeToLive) is not { } life)
            return DateTime.MaxValue;
        var visibleAt = message.ScheduledFor > message.EnqueuedAt ? message.ScheduledFor : message.EnqueuedAt;
        return life < DateTime.MaxValue - visibleAt ? visibleAt + life : DateTime.MaxValue;
    }

    public void MarkDirty()
    {
        if (isDirty) return;
        isDirty = true;
        engine.Dirty.Add(this);
    }

    public void AddHungry(ConsumerLink consumer)
    {
        consumer.HungryNode ??= hungry.AddLast(consumer);
        MarkDirty();
    }

    public void RemoveHungry(ConsumerLink consumer)
    {
        if (consumer.HungryNode is null) return;
        hungry.Remove(consumer.HungryNode);
        consumer.HungryNode = null;
    }

    /// <summary>Hands ready messages to receivers with credit, in turn.</summary>
    public void Deliver()
    {
        isDirty = false;
        if (Properties.RequiresSession)
        {
            DeliverSessions();
            return;
        }

        while (hungry.First is { Value: var consumer } node)
        {
            if (!consumer.CanTake)
            {
                RemoveHungry(consumer);
                if (consumer.IsUnauthorized) engine.AfterCommit(() => consumer.Close(BrokerErrors.Unauthorized("The token has expired.")));
                continue;
            }

            if (!TryTakeReady(out var entry)) return;
            if (IsExpired(entry)) continue;
            hungry.Remove(node);
            hungry.AddLast(node);
            Deliver(consumer, entry, locks);
        }
    }

    private void Deliver(ConsumerLink consumer, MailboxEntry entry, LockList list)
    {
        consumer.Assigned(entry);
        if (consumer.IsReceiveAndDelete)
        {
            engine.Send(consumer, entry, Guid.Empty);
            Remove(entry);
            return;
        }

        Lock(entry, list);
        entry.Holder = consumer;
        engine.Send(consumer, entry, entry.LockToken);
    }

    private void Lock(MailboxEntry entry, LockList list)
    {
        entry.State = EntryState.Locked;
        entry.LockToken = engine.NextLockToken();
        entry.LockedUntil = engine.Now + Properties.LockDuration;
        byToken.Add(entry.LockToken, entry);
        list.Append(entry);
    }

    private void Unlock(MailboxEntry entry)
    {
        byToken.Remove(entry.LockToken);
        entry.Locks!.Remove(entry);
        entry.Holder?.Returned(entry);
        entry.Holder = null;
        entry.LockToken = Guid.Empty;
        entry.State = EntryState.Ready;
    }

    /// <summary>Makes an entry available to any receiver again.</summary>
    private void Return(MailboxEntry entry)
    {
        entry.State = EntryState.Ready;
        if (Properties.RequiresSession) ReturnToSession(entry);
        else ready.Add(entry);
        MarkDirty();
    }

    /// <summary>Lets go of an entry for good, in memory and in the log.</summary>
    public void Remove(MailboxEntry entry)
    {
        engine.Log?.AppendRemoval(entry);
        Forget(entry);
    }

    public void Forget(MailboxEntry entry)
    {
        if (entry.State is EntryState.Locked) Unlock(entry);
        entry.State = EntryState.Removed;
        Index.Remove(entry.Message.SequenceNumber);
        ForgetSessionIfUnused(entry.Message.SessionId);
        engine.Log?.Release(entry.Message.Destination, entry.Message.SequenceNumber);
        if (--entry.Message.References == 0) engine.Evict(entry.Message);
    }

    private static TimeSpan? Shortest(params ReadOnlySpan<TimeSpan?> lives)
    {
        TimeSpan? shortest = null;
        foreach (var life in lives)
        {
            if (life is not null && (shortest is null || life < shortest)) shortest = life;
        }

        return shortest;
    }
}
