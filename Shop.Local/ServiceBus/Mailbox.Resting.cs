namespace Shop.Local.ServiceBus;

/// <summary>
/// A long queue rests in the log: beyond its first few thousand ready messages a mailbox keeps one bit of each, and reads them back when
/// their turn comes. What has been scheduled, deferred, tried, or belongs to a session stays in memory.
/// </summary>
internal sealed partial class Mailbox
{
    private const int MaxReadyInMemory = 8192;

    /// <summary>No resting message expires earlier, so that one look at the first of them suffices.</summary>
    private DateTime earliestRestingExpiry = DateTime.MaxValue;

    private DateTime lastRestingExpiry = DateTime.MinValue;

    private DateTime RestingDue => Index.RestingCount > 0 ? earliestRestingExpiry : DateTime.MaxValue;

    /// <summary>Leaves a message that is in the log, or is about to be, to rest there; false when it has to be held in memory.</summary>
    /// <param name="message">Untouched by receivers.</param>
    /// <param name="isCrowded">Whether memory should be spared: without need nothing rests.</param>
    public bool TryRest(StoredMessage message, bool isCrowded)
    {
        if (engine.Log is null || Destination is null || Properties.RequiresSession || DeadLetterSource is not null || message.ScheduledFor > engine.Now) return false;
        if (!isCrowded && Index.RestingCount == 0 && ready.Count < MaxReadyInMemory) return false;
        var expiresAt = ExpiryOf(message);
        // Those that rest expire in their order: one that would not cannot rest.
        if (Index.RestingCount > 0 && expiresAt < lastRestingExpiry) return false;
        if (Index.RestingCount == 0) earliestRestingExpiry = expiresAt;
        lastRestingExpiry = expiresAt;
        Index.AddResting(message.SequenceNumber);
        MarkDirty();
        return true;
    }

    /// <summary>Lets go of a message, in memory or resting, without a record of it.</summary>
    public void Drop(long sequenceNumber)
    {
        if (Index.TryGet(sequenceNumber, out var entry))
        {
            Forget(entry);
        }
        else if (Index.IsResting(sequenceNumber))
        {
            Index.Remove(sequenceNumber);
            engine.Log!.Release(Destination!, sequenceNumber);
        }
    }

    /// <summary>A resting message as an entry of this mailbox.</summary>
    public MailboxEntry Wake(long sequenceNumber)
    {
        var message = engine.Log!.Load(Destination!, sequenceNumber);
        var entry = Hold(message);
        engine.CacheForNow(message);
        return entry;
    }

    /// <summary>A resting message as it is, for looking at.</summary>
    public MailboxEntry View(long sequenceNumber)
    {
        var message = engine.Log!.Load(Destination!, sequenceNumber);
        return new MailboxEntry(message, this) { ExpiresAt = ExpiryOf(message) };
    }

    private bool TryTakeReady(out MailboxEntry entry)
    {
        if (Index.FirstResting >= ready.FirstSequenceNumber) return ready.TryTake(out entry);
        entry = WakeFirst();
        return true;
    }

    private MailboxEntry WakeFirst()
    {
        var entry = Wake(Index.FirstResting);
        SetExpiry(entry);
        earliestRestingExpiry = entry.ExpiresAt;
        return entry;
    }

    private void ExpireResting()
    {
        while (RestingDue <= engine.Now)
        {
            var entry = WakeFirst();
            if (!IsExpired(entry)) Return(entry);
        }
    }
}
