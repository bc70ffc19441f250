using Shop.ServiceDefaults.Messaging;

namespace Shop.Projector.DeadLetters;

/// <summary>Which dead letters are meant; what is null is not asked for. A <c>*</c> at the end stands for any rest.</summary>
internal sealed record DeadLetterFilter(string? Reason, string? Type, string? Subject, long? Sequence)
{
    public bool Matches(ReceivedEvent letter) =>
        (Sequence is null || letter.SequenceNumber == Sequence)
        && Matches(Reason, letter.DeadLetterReason) && Matches(Type, letter.Type) && Matches(Subject, letter.Subject);

    private static bool Matches(string? pattern, string? value) =>
        string.IsNullOrEmpty(pattern)
        || (pattern[^1] == '*'
            ? (value ?? "").AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
            : string.Equals(pattern, value ?? "", StringComparison.Ordinal));
}
