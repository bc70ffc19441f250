namespace Shop.Contracts.Administration;

/// <summary>An event that the broker refused for good, kept by the write side until it is replayed.</summary>
/// <param name="EventId">The event's identity.</param>
/// <param name="Shard">The log it stands in.</param>
/// <param name="Position">Its place there.</param>
/// <param name="Type">Its CloudEvents type.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Version">The aggregate's version after it.</param>
/// <param name="ParkedAt">When it was put aside.</param>
/// <param name="Reason">What the broker said.</param>
public sealed record ParkedEvent(Guid EventId, int Shard, long Position, string Type, string Subject, int Version, DateTimeOffset ParkedAt, string Reason);

/// <summary>What became of a replay of at most 1,000 events: published and gone from the table, or refused again and kept.</summary>
public sealed record ParkedReplay(int Published, int KeptParked);
