namespace Shop.Commands.Deciding;

/// <summary>What became of a submitted command.</summary>
internal abstract record Outcome
{
    /// <summary>The effect is committed. <paramref name="Replayed"/>: it was before, and this is the first answer again.</summary>
    public sealed record Done(AggregateId Target, int Version, bool Created, bool Replayed) : Outcome;

    /// <summary>Refused; nothing has changed.</summary>
    public sealed record Refused(Refusal Refusal) : Outcome;

    /// <summary>The write side could not decide now. <paramref name="MayHaveHappened"/>: a retry with the same content will tell.</summary>
    public sealed record Unavailable(string Reason, bool MayHaveHappened) : Outcome;
}

/// <summary>An expected refusal. <paramref name="Rule"/> is the last part of the problem's <c>type</c> and never changes.</summary>
/// <param name="Status">409, 412 or 422.</param>
/// <param name="Rule">The rule's stable name.</param>
/// <param name="Title">The rule in words, the same for every occurrence.</param>
/// <param name="Detail">What happened here.</param>
/// <param name="Facts">What would be right, by name.</param>
internal sealed record Refusal(int Status, string Rule, string Title, string Detail, IReadOnlyDictionary<string, object>? Facts = null);
