#if SEEDED_BUGS
using Shop.Chaos.Report;
using Shop.Chaos.Schedule;
using Shop.Local;
using Shop.ServiceDefaults.Reliability;

namespace Shop.Chaos.SelfCheck;

/// <summary>
/// The check of the checker: every seeded bug, one at a time, under the same faults as any run; each must be found within three minutes, the
/// start of the shop included. A check that never fails proves nothing; neither does one that always fails, so one round has no bug.
/// </summary>
internal sealed class BugHunt(TimeProvider time)
{
    private static readonly TimeSpan limit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan round = TimeSpan.FromSeconds(35);

    /// <summary>Asks for the round without a bug alone.</summary>
    private const string NoBug = "none";

    /// <summary>Faults come thick and fast: a round is short.</summary>
    private const double Pace = 2;

    // Short rounds have no time for a rolling restart or a rebuild.
    private static readonly HashSet<FaultKind> kinds =
        [FaultKind.Kill, FaultKind.Crash, FaultKind.Stop, FaultKind.Net, FaultKind.Duplicate, FaultKind.Delay, FaultKind.Reorder];

    /// <summary>The next seed whose schedule has, more than once, what brings the bug out: a round of half a minute does not have everything.</summary>
    private static int Promising(string bug, int from)
    {
        while (!IsPromising(bug, FaultSchedule.Create(from, round, kinds, Pace))) from++;
        return from;
    }

    private static bool IsPromising(string bug, IReadOnlyList<Fault> schedule) => bug switch
    {
        SeededBug.AcknowledgeBeforeCommit => schedule.Count(fault => fault.Detail == CrashPoint.BeforeCommit) >= 2,
        SeededBug.NoFollowUpOnRedelivery =>
            schedule.Count(fault => fault.Detail is CrashPoint.AfterReferenceBeforePropagation or CrashPoint.AfterOrdersBeforeFollowUp) >= 3,
        SeededBug.NoNameRepair or SeededBug.NoVersionGuard => schedule.Count(fault => fault.Kind is FaultKind.Delay or FaultKind.Reorder) >= 2,
        // What was on its way is certain to be lost; whichever of the two leads.
        SeededBug.CursorThatSkips => Topology.Commands.All(commands => schedule.Any(fault => IsLostOnTheWay(fault, commands))),
        _ => true,
    };

    private static bool IsLostOnTheWay(Fault fault, string commands) =>
        fault is { Kind: FaultKind.Stop, Target: Topology.Broker, Detail: StopEnds.Killed }
        || (fault.Target == Topology.Pair(commands, Topology.Broker) && fault.Detail is NetFaults.LostRequest or NetFaults.HalfOpenLost);

    /// <summary>True when every bug was found in time.</summary>
    public async Task<bool> RunAsync(int firstSeed, double ordersPerSecond, string? only, CancellationToken cancellationToken)
    {
        if (only is not (null or NoBug) && !SeededBug.All.Contains(only)) throw new LocalRunException($"There is no seeded bug '{only}': {string.Join(", ", SeededBug.All)}, or {NoBug}.");
        List<(string Bug, double Seconds, string? Rule)> found = [];
        var withoutBug = only is null or NoBug;
        var falseAlarm = withoutBug ? await RoundAsync(null, firstSeed, ordersPerSecond, cancellationToken) : null;
        foreach (var bug in SeededBug.All.Where(bug => only is null || bug == only))
        {
            var began = time.GetTimestamp();
            string? rule = null;
            for (var seed = Promising(bug, firstSeed); rule is null && time.GetElapsedTime(began) < limit; seed = Promising(bug, seed + 1))
                rule = await RoundAsync(bug, seed, ordersPerSecond, cancellationToken);
            found.Add((bug, time.GetElapsedTime(began).TotalSeconds, rule));
        }

        Console.WriteLine();
        if (falseAlarm is not null) Console.WriteLine($"{"no bug",-28} FALSE ALARM {falseAlarm}");
        foreach (var (bug, seconds, rule) in found)
            Console.WriteLine(FormattableString.Invariant($"{bug,-28} {seconds,6:0} s  {(rule is null ? "NOT FOUND" : seconds > limit.TotalSeconds ? "TOO LATE " + rule : rule)}"));
        var caught = found.Count(bug => bug.Rule is not null && bug.Seconds <= limit.TotalSeconds);
        var (passed, failed) = (caught + (withoutBug && falseAlarm is null ? 1 : 0), found.Count - caught + (falseAlarm is null ? 0 : 1));
        Console.WriteLine($"self-check: {passed} passed, {failed} failed");
        return failed == 0;
    }

    /// <summary>
    /// The first rule that was broken, of those that a bug breaks: slowness, and a round that had too little of something, find none.
    /// </summary>
    private async Task<string?> RoundAsync(string? bug, int seed, double ordersPerSecond, CancellationToken cancellationToken)
    {
        Console.WriteLine($"{bug ?? "no bug"}, seed {seed}");
        var result = await new ChaosRun(new ChaosOptions(seed, round, ordersPerSecond, kinds, Bug: bug, Pace: Pace), time).RunAsync(cancellationToken);
        ResultWriter.Write(result, Console.Out);
        Directory.Delete(result.Directory, recursive: true);
        return result.Violations.FirstOrDefault(violation => violation.Check is >= 'a' and <= 'd') is { } first ? $"({first.Check}) {first.Rule}" : null;
    }
}
#endif
