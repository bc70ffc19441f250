namespace Shop.Contracts.Administration;

/// <summary>An event that the projector could never apply, waiting to be replayed or purged.</summary>
/// <param name="Sequence">The broker's number of the message; names it for <c>show</c> and <c>replay</c>.</param>
/// <param name="Id">The event's identifier; all zeros when the message has none that can be read.</param>
/// <param name="Type">Its CloudEvents type, or empty.</param>
/// <param name="Subject">What it is about, or empty.</param>
/// <param name="EnqueuedAt">When the broker got it.</param>
/// <param name="Reason">Short and stable, to filter by.</param>
/// <param name="Description">For a person.</param>
/// <param name="FormatError">Why it is no event at all, so that it cannot be replayed; absent otherwise.</param>
public sealed record DeadLetter(
    long Sequence, Guid Id, string Type, string Subject, DateTimeOffset? EnqueuedAt, string Reason, string Description, string? FormatError);

/// <param name="DeadLetters">Those that match, oldest first.</param>
/// <param name="LookedAt">How many were looked at.</param>
/// <param name="IsComplete">False when there are more than were looked at or listed.</param>
public sealed record DeadLetterList(IReadOnlyList<DeadLetter> DeadLetters, int LookedAt, bool IsComplete);

/// <summary>One dead letter with its body as text.</summary>
public sealed record DeadLetterContent(DeadLetter DeadLetter, DateTimeOffset? Time, string? TraceParent, int DeliveryCount, string Body);

/// <summary>What a replay or a purge did.</summary>
/// <param name="Done">Replayed or purged.</param>
/// <param name="Kept">They match, but stay where they are.</param>
/// <param name="Why">Why they do, each reason once.</param>
public sealed record DeadLetterOutcome(int Done, int Kept, IReadOnlyList<string> Why);
