namespace Shop.ServiceDefaults.Messaging;

/// <summary>
/// A CloudEvents 1.0 event on its way to the bus. On the wire it is in the binary mode of the AMQP binding: attributes are
/// <c>cloudEvents:*</c> application properties, <paramref name="Id"/> is the message-id, the body is <paramref name="Data"/>.
/// </summary>
/// <param name="Id">Identifies the event for good; a resent event keeps it.</param>
/// <param name="Source">URI reference of the producer, such as <c>/shop/commands</c>.</param>
/// <param name="Type">Event type, such as <c>shop.order.placed.v1</c>.</param>
/// <param name="Subject">What the event is about, such as <c>order/ORD12345</c>.</param>
/// <param name="Time">When it happened, by the producer's clock; travels with 100 ns precision.</param>
/// <param name="TraceParent">W3C trace context of the command that caused it, or null.</param>
/// <param name="GroupKey">Aggregate type and id; becomes the group-id, which is the Service Bus session (at most 128 characters).</param>
/// <param name="Data">JSON in UTF-8. Above 32 KB the client compresses it with gzip and says so in content-encoding.</param>
public sealed record CloudEvent(
    Guid Id, string Source, string Type, string Subject, DateTimeOffset Time, string? TraceParent, string GroupKey, ReadOnlyMemory<byte> Data);
