using Shop.Chaos.Schedule;

namespace Shop.Chaos;

/// <summary>What a run is.</summary>
/// <param name="Seed">The only source of the schedule, besides the length and the kinds.</param>
/// <param name="Length">How long faults are injected.</param>
/// <param name="OrdersPerSecond">How many orders all clients together try to place.</param>
/// <param name="Faults">The kinds of faults.</param>
/// <param name="Report">A file that the run's numbers are added to.</param>
/// <param name="Keep">Keep the directory although nothing was found.</param>
/// <param name="Bug">A seeded bug to switch on; only in the build configuration Chaos.</param>
/// <param name="Pace">Faults per time; 1 leaves a part time to come back.</param>
internal sealed record ChaosOptions(int Seed, TimeSpan Length, double OrdersPerSecond, IReadOnlySet<FaultKind> Faults, string? Report = null, bool Keep = false, string? Bug = null, double Pace = 1);
