namespace Shop.Chaos.Schedule;

/// <summary>What can be done to a shop. The names on the command line are these in lower case.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL at any moment.</summary>
    Kill,

    /// <summary>SIGKILL at one of the crash points.</summary>
    Crash,

    /// <summary>SIGSTOP for seconds, then SIGCONT.</summary>
    Stop,

    /// <summary>SIGTERM and a start, of one part or of all in turn.</summary>
    Restart,

    /// <summary>A connection between two parts is cut, half-open or slow.</summary>
    Net,

    /// <summary>The file system of a data directory is full.</summary>
    Disk,

    /// <summary>The broker delivers messages twice.</summary>
    Duplicate,

    /// <summary>The broker delivers messages late.</summary>
    Delay,

    /// <summary>The broker delivers messages in another order.</summary>
    Reorder,

    /// <summary>The broker keeps acknowledgements to itself.</summary>
    Withhold,

    /// <summary>A service's wall clock jumps.</summary>
    Clock,

    /// <summary>A new generation of the read model is filled, made live, and the old one is retired.</summary>
    Rebuild,

    /// <summary>A message that no projector can apply is published.</summary>
    Poison,
}

/// <summary>One fault of a schedule.</summary>
/// <param name="Number">From 1, in the order of <paramref name="At"/>.</param>
/// <param name="Kind">What is done.</param>
/// <param name="Target">To which part, or between which two (<c>commands-1>broker</c>).</param>
/// <param name="Detail">Which variant; empty when there is one only.</param>
/// <param name="At">When, from the beginning.</param>
/// <param name="For">How long; zero for what happens at once.</param>
internal sealed record Fault(int Number, FaultKind Kind, string Target, string Detail, TimeSpan At, TimeSpan For)
{
    public TimeSpan End => At + For;

    public override string ToString() => FormattableString.Invariant(
        $"{At.TotalSeconds,7:0.00} s  {Kind.ToString().ToLowerInvariant(),-9} {Target}{(Detail.Length == 0 ? "" : " " + Detail)}{(For == TimeSpan.Zero ? "" : $" for {For.TotalSeconds:0.0} s")}");
}
