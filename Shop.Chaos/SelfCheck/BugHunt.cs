#if SEEDED_BUGS
using Shop.Chaos.Report;
using Shop.Chaos.Schedule;
using Shop.ServiceDefaults.Reliability;

namespace Shop.Chaos.SelfCheck;

/// <summary>
/// The check of the checker: every seeded bug, one at a time, under the same faults as any run; each must be found within three minutes, the
/// start of the shop included. A check that never fails proves nothing.
/// </summary>
internal sealed class BugHunt(TimeProvider time)
{
    private static readonly TimeSpan limit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan round = TimeSpan.FromSeconds(35);

    /// <summary>Faults come thick and fast: a round is short.</summary>
    private const double Pace = 2;

    // Short rounds have no time for a rolling restart or a rebuild.
    private static readonly HashSet<FaultKind> kinds =
        [FaultKind.Kill, FaultKind.Crash, FaultKind.Stop, FaultKind.Net, FaultKind.Duplicate, FaultKind.Delay, FaultKind.Reorder];

    /// <summary>The usual faults, but for a bug that only a lost packet between relay and broker brings out: in a short round there are few of those.</summary>
    private static HashSet<FaultKind> KindsFor(string bug) => bug == SeededBug.CursorThatSkips ? [FaultKind.Net] : kinds;

    /// <summary>The next seed whose schedule has, more than once, what brings the bug out: a round of half a minute does not have everything.</summary>
    private static int Promising(string bug, int from)
    {
        while (!IsPromising(bug, FaultSchedule.Create(from, round, KindsFor(bug), Pace))) from++;
        return from;
    }

    private static bool IsPromising(string bug, IReadOnlyList<Fault> schedule) => bug switch
    {
        SeededBug.AcknowledgeBeforeCommit => schedule.Count(fault => fault.Detail == CrashPoint.BeforeCommit) >= 2,
        SeededBug.SettleBeforeStore => schedule.Count(fault => fault is { Kind: FaultKind.Kill, Target: Topology.Store }) >= 2,
        SeededBug.NoFollowUpOnRedelivery =>
            schedule.Count(fault => fault.Detail is CrashPoint.AfterReferenceBeforePropagation or CrashPoint.AfterOrdersBeforeFollowUp) >= 3,
        // Whichever of the two leads.
        SeededBug.CursorThatSkips => Topology.Commands.All(commands => schedule.Count(fault =>
            fault.Target == Topology.Pair(commands, Topology.Broker) && fault.Detail is NetFaults.LostRequest or NetFaults.HalfOpenLost) >= 2),
        _ => true,
    };

    /// <summary>True when every bug was found in time.</summary>
    public async Task<bool> RunAsync(int firstSeed, double ordersPerSecond, string? only, CancellationToken cancellationToken)
    {
        List<(string Bug, double Seconds, string? Rule)> found = [];
        foreach (var bug in SeededBug.All.Where(bug => only is null || bug == only))
        {
            var began = time.GetTimestamp();
            string? rule = null;
            for (var seed = Promising(bug, firstSeed); rule is null && time.GetElapsedTime(began) < limit; seed = Promising(bug, seed + 1))
            {
                Console.WriteLine($"{bug}, seed {seed}");
                var result = await new ChaosRun(new ChaosOptions(seed, round, ordersPerSecond, KindsFor(bug), Bug: bug, Pace: Pace), time).RunAsync(cancellationToken);
                ResultWriter.Write(result, Console.Out);
                rule = result.Violations is [var first, ..] ? $"({first.Check}) {first.Rule}" : null;
                Directory.Delete(result.Directory, recursive: true);
            }

            found.Add((bug, time.GetElapsedTime(began).TotalSeconds, rule));
        }

        Console.WriteLine();
        foreach (var (bug, seconds, rule) in found)
            Console.WriteLine(FormattableString.Invariant($"{bug,-28} {seconds,6:0} s  {(rule is null ? "NOT FOUND" : seconds > limit.TotalSeconds ? "TOO LATE " + rule : rule)}"));
        return found.All(bug => bug.Rule is not null && bug.Seconds <= limit.TotalSeconds);
    }
}
#endif
