namespace Shop.Chaos.Schedule;

/// <summary>
/// The faults of a run, from nothing but the seed, the length, the kinds and the pace: the same four give the same schedule, on every machine.
/// No two faults are at the same part, or at the same connection, at one time.
/// </summary>
internal sealed class FaultSchedule
{
    /// <summary>Nothing happens before: the clients need something to lose.</summary>
    public static readonly TimeSpan Prelude = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan rollingRestart = TimeSpan.FromSeconds(30);

    private static readonly (FaultKind Kind, int Weight)[] weights =
    [
        (FaultKind.Kill, 6), (FaultKind.Crash, 6), (FaultKind.Stop, 4), (FaultKind.Restart, 2), (FaultKind.Net, 7), (FaultKind.Disk, 1),
        (FaultKind.Duplicate, 1), (FaultKind.Delay, 1), (FaultKind.Reorder, 1), (FaultKind.Withhold, 1), (FaultKind.Clock, 1),
        (FaultKind.Rebuild, 3), (FaultKind.Poison, 1),
    ];

    // Where a lost packet can do most harm more often than elsewhere.
    private static readonly (string From, string To)[] likelyPairs = [.. Topology.Pairs, .. Topology.Pairs.Where(pair => Topology.Commands.Contains(pair.From))];

    private readonly Random random;
    private readonly double pace;
    private readonly List<Fault> faults = [];
    private readonly Dictionary<string, TimeSpan> busyUntil = new(StringComparer.Ordinal);
    private readonly Deck<string> killed, stopped, restarted, crashPoints, netFaults, stopEnds, disks, clocks, clockJumps, rebuilds, poisons;
    private readonly Deck<(string From, string To)> pairs;

    private FaultSchedule(int seed, double pace)
    {
        (random, this.pace) = (new Random(seed), pace);
        (killed, stopped, restarted) = (Of(Topology.Parts), Of(Topology.Parts), Of(Topology.Parts));
        (crashPoints, netFaults, stopEnds) = (Of(CrashPoints.UnderLoad), Of(NetFaults.All), Of(["", StopEnds.Killed]));
        (disks, clocks, clockJumps) = (Of([Topology.Postgres, Topology.Broker, Topology.Store]), Of(Topology.Services), Of(["-3600", "-30", "-2", "2", "30", "3600"]));
        (rebuilds, poisons) = (Of([.. CrashPoints.WhileRebuilding, ""]), Of(["no json", "unknown type", "no version"]));
        pairs = new(random, likelyPairs);

        Deck<string> Of(IReadOnlyList<string> cards) => new(random, cards);
    }

    public static IReadOnlyList<Fault> Create(int seed, TimeSpan length, IReadOnlySet<FaultKind> kinds, double pace = 1) =>
        new FaultSchedule(seed, pace).Create(length, kinds);

    private List<Fault> Create(TimeSpan length, IReadOnlySet<FaultKind> kinds)
    {
        var rolling = kinds.Contains(FaultKind.Restart) && length >= 3 * rollingRestart ? (length - rollingRestart) / 2 : TimeSpan.MaxValue;
        var allowed = new Deck<FaultKind>(random, [.. weights.Where(weight => kinds.Contains(weight.Kind)).SelectMany(weight => Enumerable.Repeat(weight.Kind, weight.Weight))]);
        for (var at = Prelude; kinds.Count > 0 && at < length; at += Seconds(0.3, 2.4) / pace)
        {
            if (at >= rolling)
            {
                rolling = TimeSpan.MaxValue;
                at = Topology.Parts.Select(part => busyUntil.GetValueOrDefault(part)).Append(at).Max();
                Add(new Fault(0, FaultKind.Restart, "all", "rolling", at, rollingRestart));
                foreach (var part in Topology.Parts) busyUntil[part] = at + rollingRestart;
                continue;
            }

            if (Draw(allowed.Draw(), at) is not { } fault || fault.End > length) continue;
            // A part needs a moment to be back before it is worth hurting again.
            busyUntil[Resource(fault.Kind, fault.Target)] = fault.End + (Seconds(0.5, 3) / pace);
            Add(fault);
        }

        return faults;

        void Add(Fault fault) => faults.Add(fault with { Number = faults.Count + 1 });
    }

    /// <summary>Null when everything that the kind could be done to has enough to suffer.</summary>
    private Fault? Draw(FaultKind kind, TimeSpan at)
    {
        switch (kind)
        {
            case FaultKind.Kill:
                return killed.TryDraw(IsFree, out var victim)
                    ? new(0, kind, victim, victim == Topology.Postgres && random.Next(2) == 0 ? "backend" : "", at, TimeSpan.Zero) : null;
            case FaultKind.Crash:
                if (!crashPoints.TryDraw(reached => CrashPoints.ReachedBy(reached).Any(IsFree), out var point)) return null;
                string[] reaching = [.. CrashPoints.ReachedBy(point).Where(IsFree)];
                return new(0, kind, reaching[random.Next(reaching.Length)], point, at, Seconds(4, 6));
            case FaultKind.Stop:
                return stopped.TryDraw(IsFree, out var frozen) ? new(0, kind, frozen, stopEnds.Draw(), at, Seconds(0.5, 6)) : null;
            case FaultKind.Restart:
                return restarted.TryDraw(IsFree, out var part) ? new(0, kind, part, "", at, TimeSpan.Zero) : null;
            case FaultKind.Net:
                return pairs.TryDraw(pair => IsFree(Topology.Pair(pair.From, pair.To)), out var ends)
                    ? new(0, kind, Topology.Pair(ends.From, ends.To), netFaults.Draw(), at, Seconds(0.5, 6)) : null;
            default:
                return busyUntil.GetValueOrDefault(Resource(kind, "")) > at ? null : Alone(kind, at);
        }

        bool IsFree(string target) => busyUntil.GetValueOrDefault(target) <= at;
    }

    /// <summary>Of these there is one at a time, whatever it is done to.</summary>
    private Fault Alone(FaultKind kind, TimeSpan at) => kind switch
    {
        FaultKind.Disk => new(0, kind, disks.Draw(), "", at, Seconds(1, 5)),
        FaultKind.Duplicate or FaultKind.Delay or FaultKind.Reorder or FaultKind.Withhold => new(0, kind, Topology.Broker, "", at, Seconds(3, 8)),
        FaultKind.Clock => new(0, kind, clocks.Draw(), clockJumps.Draw(), at, Seconds(3, 8)),
        FaultKind.Rebuild => new(0, kind, "read model", rebuilds.Draw(), at, Seconds(20, 40)),
        FaultKind.Poison => new(0, kind, Topology.Broker, poisons.Draw(), at, TimeSpan.Zero),
        _ => throw new NotSupportedException($"{kind} has no schedule."),
    };

    // Connections, the broker's behaviour, clocks and the rebuild are resources of their own: they may meet a fault of the part itself.
    private static string Resource(FaultKind kind, string target) => kind switch
    {
        FaultKind.Kill or FaultKind.Crash or FaultKind.Stop or FaultKind.Restart or FaultKind.Net => target,
        FaultKind.Duplicate or FaultKind.Delay or FaultKind.Reorder or FaultKind.Withhold => "behaviour",
        _ => kind.ToString(),
    };

    /// <summary>In whole milliseconds, so that a printed schedule is the schedule.</summary>
    private TimeSpan Seconds(double least, double most) => TimeSpan.FromMilliseconds(random.Next((int)(least * 1000), (int)(most * 1000)));
}

/// <summary>How a process that was frozen goes on.</summary>
internal static class StopEnds
{
    /// <summary>Not at all: somebody has lost patience. What it was sent meanwhile it has never read.</summary>
    public const string Killed = "then killed";
}
