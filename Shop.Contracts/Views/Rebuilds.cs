namespace Shop.Contracts.Views;

/// <summary>How far a rebuild is, collection <c>rebuilds</c>: whoever takes over after a crash goes on from here.</summary>
/// <param name="Id">The read model: <c>orders</c>.</param>
/// <param name="Generation">The generation that is filled; numbers are never used twice.</param>
/// <param name="Phase">One of <see cref="RebuildPhase"/>.</param>
/// <param name="Kind">What is copied now: customers, products or orders; while comparing, what is compared.</param>
/// <param name="After">The last identifier of that kind that was copied; empty at its beginning.</param>
/// <param name="Done">Copied or compared so far, of all kinds.</param>
/// <param name="Total">How many there were at the beginning.</param>
/// <param name="Owner">Which projector is at it.</param>
/// <param name="LeaseUntil">From then on another projector may take over.</param>
/// <param name="Report">What the comparison found; absent before.</param>
public sealed record RebuildProgress(
    string Id, int Generation, string Phase, string Kind, string After, long Done, long Total, Guid Owner, DateTimeOffset LeaseUntil, ComparisonReport? Report);

public static class RebuildPhase
{
    /// <summary>The generation is written beside the live one and filled from the write side.</summary>
    public const string Copying = "copying";

    /// <summary>The copied orders' sums are computed.</summary>
    public const string Summing = "summing";

    public const string Comparing = "comparing";

    /// <summary>The comparison found differences: the old generation stays live.</summary>
    public const string Different = "different";

    /// <summary>The new generation is live; the old one is still written, for a rollback.</summary>
    public const string Live = "live";

    public const string RolledBack = "rolled-back";

    /// <summary>Only the live generation is left.</summary>
    public const string Retired = "retired";

    public static bool IsRunning(string phase) => phase is Copying or Summing or Comparing;
}

/// <summary>The read model against the write side.</summary>
/// <param name="Generation">Which generation was compared.</param>
/// <param name="Checked">How many orders, customers, products and summaries were looked at.</param>
/// <param name="Missing">The write side has it, the read model does not.</param>
/// <param name="Extra">The read model has it, the write side does not.</param>
/// <param name="Different">Both have it, with different content.</param>
/// <param name="Unsettled">Summaries that are marked for being summed again and kept changing: neither equal nor wrong.</param>
/// <param name="Differences">The first of them.</param>
public sealed record ComparisonReport(
    int Generation, long Checked, long Missing, long Extra, long Different, long Unsettled, IReadOnlyList<Difference> Differences)
{
    public const int MostDifferences = 1_000;

    public bool IsEqual() => Missing + Extra + Different == 0;
}

/// <param name="Verdict">One of <see cref="DifferenceVerdict"/>.</param>
/// <param name="What">order, customer, product, customer-summary or product-sales.</param>
/// <param name="Id">Its identifier.</param>
/// <param name="Detail">Which fields, and what they should be.</param>
public sealed record Difference(string Verdict, string What, string Id, string Detail);

public static class DifferenceVerdict
{
    public const string Missing = "missing";
    public const string Extra = "extra";
    public const string Different = "different";

    /// <summary>Not a difference: see <see cref="ComparisonReport.Unsettled"/>.</summary>
    public const string Unsettled = "unsettled";
}
