namespace Shop.ServiceDefaults.Messaging;

public enum PublishStatus
{
    /// <summary>The broker has the event: it said AMQP <c>accepted</c>.</summary>
    Accepted,

    /// <summary>The broker refuses this event for good (too large, malformed, ...): sending it again changes nothing.</summary>
    Refused,

    /// <summary>The broker may or may not have it (connection lost, throttled, released, not sent at all): send it again.</summary>
    Unknown,
}

/// <param name="Status">What the broker said, or that it said nothing.</param>
/// <param name="Reason">Why it was not accepted, for a log or a parked event; null when accepted. Never contains data of the event.</param>
public readonly record struct PublishResult(PublishStatus Status, string? Reason);
