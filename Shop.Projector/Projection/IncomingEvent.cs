namespace Shop.Projector.Projection;

/// <summary>One delivered message, as far as projecting needs it.</summary>
/// <param name="Type">The CloudEvents type.</param>
/// <param name="Data">The body: JSON of the aggregate's state after the event.</param>
/// <param name="FormatError">Why the message is not a CloudEvent at all, or null.</param>
public sealed record IncomingEvent(string Type, ReadOnlyMemory<byte> Data, string? FormatError = null);

public enum AggregateKind
{
    Order,
    Customer,
    Product,
}

public readonly record struct Aggregate(AggregateKind Kind, string Id);

/// <summary>An event that can be applied: replace the aggregate's document if <paramref name="Version"/> is newer.</summary>
/// <param name="Index">Which message of the batch it came from.</param>
/// <param name="Aggregate">What it is about.</param>
/// <param name="Version">The aggregate's version after the event.</param>
/// <param name="State">An <c>OrderState</c>, <c>CustomerState</c> or <c>ProductState</c>.</param>
public sealed record ApplicableEvent(int Index, Aggregate Aggregate, int Version, object State);

/// <summary>Why a message can never be applied, however often it is tried.</summary>
/// <param name="Reason">Stable and short, to filter dead letters by.</param>
/// <param name="Description">For a person.</param>
public sealed record Poison(string Reason, string Description);

public static class PoisonReason
{
    public const string Malformed = "malformed-event";
    public const string UnknownType = "unknown-event-type";
    public const string MalformedBody = "malformed-body";
    public const string ImpossibleState = "impossible-state";
    public const string RefusedByStore = "refused-by-store";
}
