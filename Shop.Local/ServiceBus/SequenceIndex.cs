using System.Diagnostics.CodeAnalysis;

namespace Shop.Local.ServiceBus;

/// <summary>
/// A mailbox's entries by sequence number. Sequence numbers are dense, so pages of pointers cost eight bytes an entry, find one at
/// once and list them in order.
/// </summary>
internal sealed class SequenceIndex
{
    private const int PageSize = 1024;
    private readonly Dictionary<long, Page> pages = [];
    private readonly SortedSet<long> pageNumbers = [];

    public int Count { get; private set; }

    public void Add(MailboxEntry entry)
    {
        var (number, slot) = Math.DivRem(entry.Message.SequenceNumber, PageSize);
        if (!pages.TryGetValue(number, out var page))
        {
            pages[number] = page = new Page();
            pageNumbers.Add(number);
        }

        if (page.Entries[slot] is null)
        {
            page.Count++;
            Count++;
        }

        page.Entries[slot] = entry;
    }

    public bool TryGet(long sequenceNumber, [NotNullWhen(true)] out MailboxEntry? entry)
    {
        entry = sequenceNumber >= 0 && pages.TryGetValue(sequenceNumber / PageSize, out var page) ? page.Entries[sequenceNumber % PageSize] : null;
        return entry is not null;
    }

    public void Remove(long sequenceNumber)
    {
        var (number, slot) = Math.DivRem(sequenceNumber, PageSize);
        if (!pages.TryGetValue(number, out var page) || page.Entries[slot] is null) return;
        page.Entries[slot] = null;
        Count--;
        if (--page.Count > 0) return;
        pages.Remove(number);
        pageNumbers.Remove(number);
    }

    /// <summary>The entries from a sequence number on, in order.</summary>
    public IEnumerable<MailboxEntry> From(long sequenceNumber)
    {
        if (pageNumbers.Count == 0) yield break;
        var first = Math.Max(0, sequenceNumber) / PageSize;
        if (first > pageNumbers.Max) yield break;
        foreach (var number in pageNumbers.GetViewBetween(first, pageNumbers.Max))
        {
            foreach (var entry in pages[number].Entries)
            {
                if (entry is not null && entry.Message.SequenceNumber >= sequenceNumber) yield return entry;
            }
        }
    }

    private sealed class Page
    {
        public MailboxEntry?[] Entries { get; } = new MailboxEntry?[PageSize];

        public int Count { get; set; }
    }
}
