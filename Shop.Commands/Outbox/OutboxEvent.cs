namespace Shop.Commands.Outbox;

/// <summary>A row of the outbox.</summary>
/// <param name="Shard">The log it stands in.</param>
/// <param name="Position">Its place there, from 1, without gaps, in commit order.</param>
/// <param name="EventId">The event's identity on the bus.</param>
/// <param name="Type">One of <see cref="Contracts.Events.EventTypes"/>.</param>
/// <param name="Subject">The aggregate, like <c>order/ORD12345</c>.</param>
/// <param name="Version">The aggregate's version after the event.</param>
/// <param name="OccurredAt">The server's clock when the group was decided.</param>
/// <param name="TraceParent">The W3C trace context of the request.</param>
/// <param name="Data">The JSON body in UTF-8.</param>
internal sealed record OutboxEvent(
    int Shard, long Position, Guid EventId, string Type, string Subject, int Version, DateTimeOffset OccurredAt, string? TraceParent, byte[] Data);
