using System.Runtime.InteropServices;

namespace Shop.Local.ServiceBus;

/// <summary>Where a message's record lies in the log (segments count from 1, so that 0 is nowhere) and how many mailboxes hold the message.</summary>
internal struct LogPlace
{
    public int Segment;
    public uint Offset;
    public int Length;
    public int Holders;
}

/// <summary>The places of one destination's messages by sequence number, 16 bytes each: all that is in memory of a message that rests.</summary>
internal sealed class LogPlaces
{
    private const int PageSize = 1024;
    private readonly Dictionary<long, (LogPlace[] Places, int Count)> pages = [];

    /// <summary>The place of a message, made when there is none.</summary>
    public ref LogPlace GetOrAdd(long sequenceNumber)
    {
        ref var page = ref CollectionsMarshal.GetValueRefOrAddDefault(pages, sequenceNumber / PageSize, out var exists);
        if (!exists) page.Places = new LogPlace[PageSize];
        ref var place = ref page.Places[sequenceNumber % PageSize];
        if (place.Segment == 0) page.Count++;
        return ref place;
    }

    public bool TryGet(long sequenceNumber, out LogPlace place)
    {
        place = pages.TryGetValue(sequenceNumber / PageSize, out var page) ? page.Places[sequenceNumber % PageSize] : default;
        return place.Segment != 0;
    }

    public void Remove(long sequenceNumber)
    {
        ref var page = ref CollectionsMarshal.GetValueRefOrNullRef(pages, sequenceNumber / PageSize);
        page.Places[sequenceNumber % PageSize] = default;
        if (--page.Count == 0) pages.Remove(sequenceNumber / PageSize);
    }
}
