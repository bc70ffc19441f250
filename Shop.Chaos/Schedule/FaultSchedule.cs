using Shop.ServiceDefaults.Reliability;

namespace Shop.Chaos.Schedule;

/// <summary>
/// The faults of a run, from nothing but the seed, the length, the kinds and the pace: the same four give the same schedule, on every machine.
/// No two faults are at the same part, or at the same connection, at one time.
/// </summary>
internal static class FaultSchedule
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
    private static readonly string[] disks = [Topology.Postgres, Topology.Broker, Topology.Store];
    private static readonly string[] clockJumps = ["-3600", "-30", "-2", "2", "30", "3600"];
    private static readonly string[] poisons = ["no json", "unknown type", "no version"];

    public static IReadOnlyList<Fault> Create(int seed, TimeSpan length, IReadOnlySet<FaultKind> kinds, double pace = 1)
    {
        var random = new Random(seed);
        List<Fault> faults = [];
        var busy = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);
        var rolling = kinds.Contains(FaultKind.Restart) && length >= 3 * rollingRestart ? (length - rollingRestart) / 2 : TimeSpan.MaxValue;
        var allowed = weights.Where(weight => kinds.Contains(weight.Kind)).ToArray();
        for (var at = Prelude; allowed.Length > 0 && at < length; at += Seconds(random, 0.3, 2.4) / pace)
        {
            if (at >= rolling)
            {
                rolling = TimeSpan.MaxValue;
                at = Topology.Parts.Select(part => busy.GetValueOrDefault(part)).Append(at).Max();
                Add(new Fault(0, FaultKind.Restart, "all", "rolling", at, rollingRestart));
                foreach (var part in Topology.Parts) busy[part] = at + rollingRestart;
                continue;
            }

            var fault = Draw(random, Pick(random, allowed), at);
            if (fault.End > length) continue;
            var resource = Resource(fault);
            if (busy.TryGetValue(resource, out var until) && until > at) continue;
            // A part needs a moment to be back before it is worth hurting again.
            busy[resource] = fault.End + (Seconds(random, 0.5, 3) / pace);
            Add(fault);
        }

        return faults;

        void Add(Fault fault) => faults.Add(fault with { Number = faults.Count + 1 });
    }

    private static Fault Draw(Random random, FaultKind kind, TimeSpan at)
    {
        switch (kind)
        {
            case FaultKind.Kill:
                var killed = Pick(random, Topology.Parts);
                return new(0, kind, killed, killed == Topology.Postgres && random.Next(2) == 0 ? "backend" : "", at, TimeSpan.Zero);
            case FaultKind.Crash:
                var point = Pick(random, CrashPoints.UnderLoad);
                return new(0, kind, Pick(random, CrashPoints.ReachedBy(point)), point, at, Seconds(random, 4, 6));
            case FaultKind.Stop:
                return new(0, kind, Pick(random, Topology.Parts), "", at, Seconds(random, 0.5, 6));
            case FaultKind.Restart:
                return new(0, kind, Pick(random, Topology.Parts), "", at, TimeSpan.Zero);
            case FaultKind.Net:
                var (from, to) = Pick(random, likelyPairs);
                return new(0, kind, Topology.Pair(from, to), Pick(random, NetFaults.All), at, Seconds(random, 0.5, 6));
            case FaultKind.Disk:
                return new(0, kind, Pick(random, disks), "", at, Seconds(random, 1, 5));
            case FaultKind.Duplicate or FaultKind.Delay or FaultKind.Reorder or FaultKind.Withhold:
                return new(0, kind, Topology.Broker, "", at, Seconds(random, 3, 8));
            case FaultKind.Clock:
                return new(0, kind, Pick(random, Topology.Services), Pick(random, clockJumps), at, Seconds(random, 3, 8));
            case FaultKind.Rebuild:
                return new(0, kind, "read model", Pick(random, [.. CrashPoints.WhileRebuilding, ""]), at, Seconds(random, 20, 40));
            case FaultKind.Poison:
                return new(0, kind, Topology.Broker, Pick(random, poisons), at, TimeSpan.Zero);
            default:
                throw new NotSupportedException($"{kind} has no schedule.");
        }
    }

    // Connections, the broker's behaviour, clocks and the rebuild are resources of their own: they may meet a fault of the part itself.
    private static string Resource(Fault fault) => fault.Kind switch
    {
        FaultKind.Kill or FaultKind.Crash or FaultKind.Stop or FaultKind.Restart => fault.Target,
        FaultKind.Net => fault.Target,
        FaultKind.Duplicate or FaultKind.Delay or FaultKind.Reorder or FaultKind.Withhold => "behaviour",
        _ => fault.Kind.ToString(),
    };

    private static FaultKind Pick(Random random, (FaultKind Kind, int Weight)[] allowed)
    {
        var draw = random.Next(allowed.Sum(entry => entry.Weight));
        foreach (var (kind, weight) in allowed)
        {
            if ((draw -= weight) < 0) return kind;
        }

        return allowed[^1].Kind;
    }

    private static T Pick<T>(Random random, IReadOnlyList<T> from) => from[random.Next(from.Count)];

    /// <summary>In whole milliseconds, so that a printed schedule is the schedule.</summary>
    private static TimeSpan Seconds(Random random, double least, double most) =>
        TimeSpan.FromMilliseconds(random.Next((int)(least * 1000), (int)(most * 1000)));
}

/// <summary>What a proxy can do to the connections of a pair.</summary>
internal static class NetFaults
{
    /// <summary>Reset, and refused until the end.</summary>
    public const string Cut = "cut";

    /// <summary>Nothing passes, nobody is told, and at the end everything held arrives: a cable pulled and put back.</summary>
    public const string HalfOpen = "half-open";

    /// <summary>The same, but at the end the connections are reset: a peer that has forgotten them.</summary>
    public const string HalfOpenLost = "half-open-lost";

    /// <summary>Only what the called part says is held: it does what it is asked, and is not heard.</summary>
    public const string Deaf = "deaf";

    /// <summary>Every packet takes hundreds of milliseconds.</summary>
    public const string Slow = "slow";

    /// <summary>Whatever the caller says next is lost, and its connection reset: a request that may or may not have been heard was not.</summary>
    public const string LostRequest = "lost-request";

    /// <summary>Whatever the called part answers next is lost, and the connection reset: it was done.</summary>
    public const string LostAnswer = "lost-answer";

    public static readonly string[] All = [LostRequest, LostAnswer, Cut, HalfOpen, HalfOpenLost, Deaf, Slow];
}

/// <summary>Which process reaches which crash point.</summary>
internal static class CrashPoints
{
    private static readonly string[] ofCommands =
        [CrashPoint.BeforeCommit, CrashPoint.AfterCommitBeforeHandOff, CrashPoint.AfterHandOffBeforeAnswer, CrashPoint.AfterPublishBeforeAck];

    /// <summary>Reached only while a read model is rebuilt.</summary>
    public static readonly string[] WhileRebuilding = [CrashPoint.MidCopy, CrashPoint.MidFlip, CrashPoint.MidRetire];

    public static readonly string[] UnderLoad = [.. CrashPoint.All.Except(WhileRebuilding)];

    public static IReadOnlyList<string> ReachedBy(string point) => ofCommands.Contains(point) ? Topology.Commands : Topology.Projectors;
}
