namespace Shop.Local.ServiceBus;

/// <summary>
/// Locked entries, the one that expires first in front. A mailbox has one lock duration, so a new or renewed lock always
/// belongs at the end and a settled one leaves no garbage behind, which a heap would.
/// </summary>
internal sealed class LockList
{
    public MailboxEntry? First { get; private set; }

    private MailboxEntry? last;

    public void Append(MailboxEntry entry)
    {
        entry.Locks = this;
        entry.PreviousLock = last;
        entry.NextLock = null;
        if (last is null) First = entry;
        else last.NextLock = entry;
        last = entry;
    }

    public void Remove(MailboxEntry entry)
    {
        if (entry.PreviousLock is null) First = entry.NextLock;
        else entry.PreviousLock.NextLock = entry.NextLock;
        if (entry.NextLock is null) last = entry.PreviousLock;
        else entry.NextLock.PreviousLock = entry.PreviousLock;
        entry.Locks = null;
        entry.PreviousLock = entry.NextLock = null;
    }
}
