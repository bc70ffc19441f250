namespace Shop.Local.ServiceBus;

/// <summary>
/// Entries by the time at which something is due (a schedule, an expiry). Entries that were settled before stay in the heap until
/// they outnumber the live ones; then it is built anew, so that it never holds more than twice what it must.
/// </summary>
internal sealed class DueQueue(Func<MailboxEntry, bool> isLive)
{
    private const int SmallestToCompact = 4096;
    private PriorityQueue<MailboxEntry, DateTime> heap = new();
    private int countAfterCompaction;

    public DateTime NextDue => heap.TryPeek(out _, out var due) ? due : DateTime.MaxValue;

    public void Add(MailboxEntry entry, DateTime due)
    {
        heap.Enqueue(entry, due);
        if (heap.Count < SmallestToCompact || heap.Count < 2 * countAfterCompaction) return;
        heap = new PriorityQueue<MailboxEntry, DateTime>(heap.UnorderedItems.Where(item => isLive(item.Element)));
        countAfterCompaction = Math.Max(SmallestToCompact / 2, heap.Count);
    }

    public bool TryTakeDue(DateTime now, out MailboxEntry entry)
    {
        while (heap.TryPeek(out entry!, out var due) && due <= now)
        {
            heap.Dequeue();
            if (isLive(entry)) return true;
        }

        return false;
    }
}
