using Shop.Chaos.Checks;
using Shop.Chaos.History;

namespace Shop.Chaos.Report;

/// <summary>What a run did and found.</summary>
internal sealed record RunResult(
    ChaosOptions Options, IReadOnlyList<Violation> Violations, RecordedHistory History, WriteSide Write, Comeback Comeback, double Seconds,
    IReadOnlyList<string> Skipped, string Directory, IReadOnlyList<string> Doubts);
