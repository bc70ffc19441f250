using System.Diagnostics;
using Amqp;
using Shop.ServiceDefaults.Messaging.Transport;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>
/// An event as it came, locked for this receiver until it is settled. Look at <see cref="FormatError"/> first: a message that is not a
/// well-formed CloudEvent has whatever could be read of it, and nothing here throws because of what a message contains.
/// </summary>
public sealed class ReceivedEvent
{
    private readonly Lazy<(CloudEvent Event, string? Error)> attributes;
    private readonly Lazy<(ReadOnlyMemory<byte> Data, string? Error)> data;
    private int settled;

    internal ReceivedEvent(Message message, ReceiveLink link, int maxDataBytes, DateTimeOffset arrived)
    {
        (Message, Link) = (message, link);
        attributes = new(() => CloudEventMessage.ReadAttributes(Message), LazyThreadSafetyMode.ExecutionAndPublication);
        data = new(() => CloudEventMessage.ReadData(Message, maxDataBytes), LazyThreadSafetyMode.ExecutionAndPublication);
        LockedUntil = Annotation("x-opt-locked-until") is DateTime until ? ToOffset(until) : null;
        // Half of the time left tolerates a broker whose clock is off by a quarter of the lock.
        RenewAt = LockedUntil is { } end ? arrived + Clamp((end - arrived) / 2) : DateTimeOffset.MaxValue;
    }

    /// <summary>Only looked at: nobody holds a lock of it, so it counts as settled.</summary>
    internal ReceivedEvent(Message message, int maxDataBytes, DateTimeOffset arrived)
        : this(message, null!, maxDataBytes, arrived) => settled = 1;

    public Guid Id => attributes.Value.Event.Id;
    public string Source => attributes.Value.Event.Source;
    public string Type => attributes.Value.Event.Type;
    public string Subject => attributes.Value.Event.Subject;

    /// <summary>When it happened, by the producer's clock; the default value when the message does not say.</summary>
    public DateTimeOffset Time => attributes.Value.Event.Time;

    public string? TraceParent => attributes.Value.Event.TraceParent;

    /// <summary>The parsed <see cref="TraceParent"/>; the default value when there is none or it is malformed.</summary>
    public ActivityContext TraceContext => MessagingTelemetry.ParseContext(TraceParent);

    /// <summary>The group-id (session); empty when the message has none.</summary>
    public string GroupKey => attributes.Value.Event.GroupKey;

    /// <summary>JSON in UTF-8, decompressed on first use; empty when <see cref="FormatError"/> is set because of it.</summary>
    public ReadOnlyMemory<byte> Data => data.Value.Data;

    /// <summary>Why this is not a well-formed CloudEvent, fit for a dead-letter reason; null when it is one. The JSON itself is not looked at.</summary>
    public string? FormatError => attributes.Value.Error ?? data.Value.Error;

    /// <summary>1 at the first delivery. RabbitMQ always says 1.</summary>
    public int DeliveryCount => (int)Math.Min(int.MaxValue - 1, Message.Header?.DeliveryCount ?? 0) + 1;

    /// <summary>When the broker got it, by the broker's clock; null when it does not say.</summary>
    public DateTimeOffset? EnqueuedTime => Annotation("x-opt-enqueued-time") is DateTime time ? ToOffset(time) : null;

    /// <summary>The broker's number of the message in its subscription; null when it does not say.</summary>
    public long? SequenceNumber => Annotation("x-opt-sequence-number") as long?;

    /// <summary>In a dead-letter queue: why it is there.</summary>
    public string? DeadLetterReason => CloudEventMessage.ApplicationProperty(Message, "DeadLetterReason");

    public string? DeadLetterDescription => CloudEventMessage.ApplicationProperty(Message, "DeadLetterErrorDescription");

    internal Message Message { get; }

    internal ReceiveLink Link { get; }

    internal LinkedListNode<ReceivedEvent>? Held { get; set; }

    internal DateTimeOffset? LockedUntil { get; }

    /// <summary>When the lock is to be renewed, by this machine's clock.</summary>
    internal DateTimeOffset RenewAt { get; set; }

    /// <summary>Whether the caller is the first to settle.</summary>
    internal bool TrySettle() => Interlocked.Exchange(ref settled, 1) == 0;

    internal static TimeSpan Clamp(TimeSpan half) =>
        half < TimeSpan.FromMilliseconds(250) ? TimeSpan.FromMilliseconds(250) : half > TimeSpan.FromSeconds(150) ? TimeSpan.FromSeconds(150) : half;

    private static DateTimeOffset ToOffset(DateTime utc) => new(DateTime.SpecifyKind(utc, DateTimeKind.Utc));

    private object? Annotation(string name) => Message.MessageAnnotations?.Map.TryGetValue(new Amqp.Types.Symbol(name), out var value) == true ? value : null;
}
