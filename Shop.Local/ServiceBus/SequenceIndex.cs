using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Shop.Local.ServiceBus;

/// <summary>
/// A mailbox's messages by sequence number: entries in memory, and messages that rest in the log, of which one bit is kept. Sequence numbers
/// are dense, so both are found at once and listed in order by page.
/// </summary>
internal sealed class SequenceIndex
{
    private const int PageSize = 1024;
    private readonly Dictionary<long, Page> pages = [];
    private readonly SortedSet<long> pageNumbers = [];

    /// <summary>In memory and resting.</summary>
    public int Count => InMemoryCount + RestingCount;

    public int InMemoryCount { get; private set; }

    public int RestingCount { get; private set; }

    /// <summary>The lowest number that rests in the log; <see cref="long.MaxValue"/> when none does.</summary>
    public long FirstResting { get; private set; } = long.MaxValue;

    /// <summary>Adds an entry; a resting message of its number rests no longer.</summary>
    public void Add(MailboxEntry entry)
    {
        var sequenceNumber = entry.Message.SequenceNumber;
        if (IsResting(sequenceNumber)) Remove(sequenceNumber);
        var page = FindOrAdd(sequenceNumber);
        page.Entries ??= new MailboxEntry?[PageSize];
        ref var slot = ref page.Entries[sequenceNumber % PageSize];
        if (slot is null)
        {
            page.Count++;
            InMemoryCount++;
        }

        slot = entry;
    }

    public void AddResting(long sequenceNumber)
    {
        var page = FindOrAdd(sequenceNumber);
        page.Resting[sequenceNumber % PageSize / 64] |= Bit(sequenceNumber);
        page.Count++;
        page.RestingCount++;
        RestingCount++;
        if (sequenceNumber < FirstResting) FirstResting = sequenceNumber;
    }

    public bool IsResting(long sequenceNumber) =>
        RestingCount > 0 && sequenceNumber >= 0 && pages.TryGetValue(sequenceNumber / PageSize, out var page) && page.IsResting(sequenceNumber);

    /// <summary>An entry that is in memory.</summary>
    public bool TryGet(long sequenceNumber, [NotNullWhen(true)] out MailboxEntry? entry)
    {
        entry = sequenceNumber >= 0 && pages.TryGetValue(sequenceNumber / PageSize, out var page) ? page.Entries?[sequenceNumber % PageSize] : null;
        return entry is not null;
    }

    public void Remove(long sequenceNumber)
    {
        if (!pages.TryGetValue(sequenceNumber / PageSize, out var page)) return;
        if (page.Entries?[sequenceNumber % PageSize] is not null)
        {
            page.Entries[sequenceNumber % PageSize] = null;
            InMemoryCount--;
        }
        else if (page.IsResting(sequenceNumber))
        {
            page.Resting[sequenceNumber % PageSize / 64] &= ~Bit(sequenceNumber);
            page.RestingCount--;
            RestingCount--;
            if (sequenceNumber == FirstResting) FirstResting = FindResting(sequenceNumber + 1);
        }
        else
        {
            return;
        }

        if (--page.Count > 0) return;
        pages.Remove(sequenceNumber / PageSize);
        pageNumbers.Remove(sequenceNumber / PageSize);
    }

    /// <summary>The numbers from one on, in order, each with its entry or, when it rests in the log, null.</summary>
    public IEnumerable<(long SequenceNumber, MailboxEntry? Entry)> From(long sequenceNumber)
    {
        foreach (var number in PagesFrom(sequenceNumber))
        {
            var page = pages[number];
            for (var at = Math.Max(sequenceNumber, number * PageSize); at < (number + 1) * PageSize; at++)
            {
                var entry = page.Entries?[at % PageSize];
                if (entry is not null || page.IsResting(at)) yield return (at, entry);
            }
        }
    }

    private long FindResting(long from)
    {
        if (RestingCount == 0) return long.MaxValue;
        foreach (var number in PagesFrom(from))
        {
            var page = pages[number];
            if (page.RestingCount == 0) continue;
            var start = (int)(Math.Max(from, number * PageSize) % PageSize);
            for (var word = start / 64; word < page.Resting.Length; word++)
            {
                var bits = page.Resting[word] & (word == start / 64 ? ulong.MaxValue << (start % 64) : ulong.MaxValue);
                if (bits != 0) return (number * PageSize) + (word * 64) + BitOperations.TrailingZeroCount(bits);
            }
        }

        return long.MaxValue;
    }

    private SortedSet<long> PagesFrom(long sequenceNumber)
    {
        var first = Math.Max(0, sequenceNumber) / PageSize;
        return pageNumbers.Count == 0 || first > pageNumbers.Max ? [] : pageNumbers.GetViewBetween(first, pageNumbers.Max);
    }

    private Page FindOrAdd(long sequenceNumber)
    {
        var number = sequenceNumber / PageSize;
        if (pages.TryGetValue(number, out var page)) return page;
        pages[number] = page = new Page();
        pageNumbers.Add(number);
        return page;
    }

    private static ulong Bit(long sequenceNumber) => 1UL << (int)(sequenceNumber % 64);

    private sealed class Page
    {
        public MailboxEntry?[]? Entries { get; set; }

        public ulong[] Resting { get; } = new ulong[PageSize / 64];

        public int RestingCount { get; set; }

        public int Count { get; set; }

        public bool IsResting(long sequenceNumber) => (Resting[sequenceNumber % PageSize / 64] & Bit(sequenceNumber)) != 0;
    }
}
