using Shop.ServiceDefaults.Reliability;

namespace Shop.Chaos.Schedule;

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
