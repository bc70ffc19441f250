namespace Shop.Local.ServiceBus;

/// <summary>The messages of one mailbox with the same session identifier, and who holds them.</summary>
internal sealed class MessageSession(string id)
{
    public string Id { get; } = id;

    public ReadyQueue Ready { get; } = new();

    public LockList Locks { get; } = new();

    public ConsumerLink? Owner { get; set; }

    public DateTime LockedUntil { get; set; }

    public byte[]? State { get; set; }

    /// <summary>The log segment with the newest record of the state.</summary>
    public LogSegment? StateSegment { get; set; }

    /// <summary>Whether it stands in the queue of sessions that anybody may take.</summary>
    public bool IsOffered { get; set; }
}
