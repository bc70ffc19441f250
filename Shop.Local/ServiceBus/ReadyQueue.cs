namespace Shop.Local.ServiceBus;

/// <summary>
/// Messages that wait for a receiver, in sequence order: new arrivals in a queue, returned ones in a heap. Entries that were removed
/// meanwhile (expired, cancelled) are skipped when they come up.
/// </summary>
internal sealed class ReadyQueue
{
    private readonly Queue<MailboxEntry> arrivals = new();
    private readonly PriorityQueue<MailboxEntry, long> returned = new();
    private long lastArrival = -1;

    public void Add(MailboxEntry entry)
    {
        var sequenceNumber = entry.Message.SequenceNumber;
        if (sequenceNumber > lastArrival)
        {
            lastArrival = sequenceNumber;
            arrivals.Enqueue(entry);
        }
        else
        {
            returned.Enqueue(entry, sequenceNumber);
        }
    }

    public int Count => arrivals.Count + returned.Count;

    /// <summary>The lowest number that waits; <see cref="long.MaxValue"/> when none does.</summary>
    public long FirstSequenceNumber => TryPeek(out var entry, out _) ? entry.Message.SequenceNumber : long.MaxValue;

    public bool IsEmpty => !TryPeek(out _, out _);

    /// <summary>Lets go of removed entries in front, which nobody may ever come to take.</summary>
    public void DropRemoved() => TryPeek(out _, out _);

    public bool TryTake(out MailboxEntry entry)
    {
        if (!TryPeek(out entry, out var isReturned)) return false;
        if (isReturned) returned.Dequeue();
        else arrivals.Dequeue();
        return true;
    }

    private bool TryPeek(out MailboxEntry entry, out bool isReturned)
    {
        while (arrivals.TryPeek(out var removed) && removed.State is not EntryState.Ready) arrivals.Dequeue();
        while (returned.TryPeek(out var removed, out _) && removed.State is not EntryState.Ready) returned.Dequeue();
        var hasArrival = arrivals.TryPeek(out var arrival);
        isReturned = returned.TryPeek(out var back, out var sequenceNumber)
            && (!hasArrival || sequenceNumber < arrival!.Message.SequenceNumber);
        entry = (isReturned ? back : arrival)!;
        return isReturned || hasArrival;
    }
}
