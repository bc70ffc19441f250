namespace Shop.ServiceDefaults.Messaging;

public sealed class ReceivedEvent
{
    internal ReceivedEvent() { }
    public Guid Id { get; }
    public string Source { get; } = "";
    public string Type { get; } = "";
    public string Subject { get; } = "";
    public DateTimeOffset Time { get; }
    public string? TraceParent { get; }
    public string GroupKey { get; } = "";
    public ReadOnlyMemory<byte> Data { get; }
    public string? FormatError { get; }
    public int DeliveryCount { get; }
    public DateTimeOffset EnqueuedTime { get; }
    public string? DeadLetterReason { get; }
    public string? DeadLetterDescription { get; }
}
