using Shop.Contracts.Views;

namespace Shop.Contracts.Administration;

/// <summary>How many aggregates the write side has; estimated for large tables.</summary>
public sealed record SnapshotTotals(long Customers, long Products, long Orders);

/// <param name="Live">The generation that queries read; 0 before the first projector has started.</param>
/// <param name="Writing">The generations that projectors write.</param>
/// <param name="Rebuild">The last rebuild; absent when there never was one.</param>
public sealed record RebuildStatus(int Live, IReadOnlyList<int> Writing, RebuildProgress? Rebuild);

/// <summary>One line of a running verification: how far it is, or at the end the report.</summary>
public sealed record VerificationLine(string? What, long Done, long Total, ComparisonReport? Report);
