namespace Shop.Local.ServiceBus;

/// <summary>A message in memory, shared by the mailboxes that hold it there. Its bytes are in memory, in the log, or both.</summary>
internal sealed class StoredMessage
{
    public required Destination Destination { get; init; }

    public required long SequenceNumber { get; init; }

    public required DateTime EnqueuedAt { get; init; }

    public DateTime ScheduledFor { get; init; }

    public TimeSpan? TimeToLive { get; init; }

    public string? SessionId { get; init; }

    /// <summary>The encoded message while it is cached; null when it must be read from the log.</summary>
    public byte[]? Bytes { get; set; }

    public required int Length { get; init; }

    /// <summary>How many entries share it.</summary>
    public int References { get; set; }
}

internal enum EntryState : byte
{
    Ready,
    Scheduled,
    Locked,
    Deferred,
    Removed,
}

/// <summary>One mailbox's hold on a message. Only the engine's thread changes it.</summary>
internal sealed class MailboxEntry(StoredMessage message, Mailbox mailbox)
{
    public StoredMessage Message { get; } = message;

    public Mailbox Mailbox { get; } = mailbox;

    public EntryState State { get; set; }

    /// <summary>Whether it was set aside; it stays so while it is locked by its sequence number.</summary>
    public bool Deferred { get; set; }

    /// <summary>How many deliveries failed.</summary>
    public uint DeliveryCount { get; set; }

    public DateTime ExpiresAt { get; set; } = DateTime.MaxValue;

    public Guid LockToken { get; set; }

    public DateTime LockedUntil { get; set; }

    /// <summary>Whether nothing has happened to it yet, so that the message alone says all about it.</summary>
    public bool IsUntouched => DeliveryCount == 0 && !Deferred && Overrides is null;

    /// <summary>The receiver that holds it, which has so many bytes more in hand.</summary>
    public ConsumerLink? Holder { get; set; }

    /// <summary>An encoded map of application properties laid over those of the message (dead-letter reason, modified properties).</summary>
    public byte[]? Overrides { get; set; }

    internal LockList? Locks { get; set; }

    internal MailboxEntry? PreviousLock { get; set; }

    internal MailboxEntry? NextLock { get; set; }
}
