using Shop.Contracts.Views;

namespace Shop.Projector.Observation;

/// <summary>How the projection is doing, for health and <c>/lag</c>.</summary>
public sealed class ProjectionStatus(TimeProvider time)
{
    private readonly LagWindow window = new(time);
    private readonly Lock gate = new();
    private readonly List<DateTimeOffset> inHand = [];
    private DateTimeOffset? givenBack;
    private TimeSpan last;
    private DateTimeOffset? storeAwaySince;

    /// <summary>When the store stopped working, or null.</summary>
    public DateTimeOffset? StoreAwaySince
    {
        get { lock (gate) return storeAwaySince; }
    }

    /// <summary>How old the oldest event is that was received and is not visible yet.</summary>
    public TimeSpan? PendingAge
    {
        get { lock (gate) return OldestPending is { } oldest ? time.GetUtcNow() - oldest : null; }
    }

    /// <summary>A batch is in hand.</summary>
    /// <param name="oldest">When its oldest event was committed; the same value says later which batch is meant.</param>
    public DateTimeOffset Received(DateTimeOffset oldest)
    {
        lock (gate) inHand.Add(oldest);
        return oldest;
    }

    /// <summary>Its events stay pending until a batch is done: nobody has made them visible.</summary>
    public void GivenBack(DateTimeOffset oldest)
    {
        lock (gate)
        {
            inHand.Remove(oldest);
            if (givenBack is not { } known || oldest < known) givenBack = oldest;
        }
    }

    public void Projected(TimeSpan lag)
    {
        window.Record(lag);
        lock (gate) last = lag;
    }

    public void BatchDone(DateTimeOffset oldest)
    {
        lock (gate)
        {
            inHand.Remove(oldest);
            givenBack = storeAwaySince = null;
        }
    }

    public void StoreIsAway()
    {
        lock (gate) storeAwaySince ??= time.GetUtcNow();
    }

    public void StoreIsBack()
    {
        lock (gate) storeAwaySince = null;
    }

    /// <param name="seconds">Over so many seconds; 1 to <see cref="LagWindow.Seconds"/>.</param>
    public LagReport Lag(int seconds = LagWindow.Seconds)
    {
        var (events, median, p99) = window.Read(seconds);
        lock (gate)
        {
            var now = OldestPending is { } oldest ? time.GetUtcNow() - oldest : last;
            return new(Math.Round(Math.Max(0, now.TotalSeconds), 4), median, p99, events);
        }
    }

    private DateTimeOffset? OldestPending => inHand.Count == 0 ? givenBack : givenBack is { } back && back < inHand.Min() ? back : inHand.Min();
}
