namespace Shop.Chaos.Checks;

/// <summary>Something that the design promises cannot be.</summary>
/// <param name="Check">Which of the checks, a to f.</param>
/// <param name="Rule">Which promise is broken; the same words for every occurrence.</param>
/// <param name="Subject">About what, as events name it; empty when it is about all.</param>
/// <param name="At">When it could first be seen, in seconds since the beginning.</param>
/// <param name="What">What is the case, and what should be.</param>
/// <param name="Evidence">The numbers of the records that show it: the smallest history around it.</param>
internal sealed record Violation(char Check, string Rule, string Subject, double At, string What, IReadOnlyList<long> Evidence)
{
    /// <summary>For what is found only at the end.</summary>
    public const double AtTheEnd = double.MaxValue;
}
