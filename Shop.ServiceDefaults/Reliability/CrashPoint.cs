using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Shop.ServiceDefaults.Reliability;

/// <summary>
/// Exact places at which a process may be killed. Inert unless the process was started with <see cref="Variable"/>, which only the harness
/// of <c>./shop chaos</c> sets: then a file of the point's name in that directory means that whoever reaches the point next ends by SIGKILL.
/// Costs one comparison with a field that the compiler knows to be null.
/// </summary>
public static class CrashPoint
{
    /// <summary>The directory in which points are armed. Unset everywhere else.</summary>
    public const string Variable = "SHOP_CRASH_POINTS";

    /// <summary>A group is decided, its transaction is open, nothing of it has been written.</summary>
    public const string BeforeCommit = "before-commit";

    /// <summary>A group is committed; neither its callers nor the relay have heard of it.</summary>
    public const string AfterCommitBeforeHandOff = "after-commit-before-handoff";

    /// <summary>A group is committed and handed to the relay; its callers have not heard of it.</summary>
    public const string AfterHandOffBeforeAnswer = "after-handoff-before-answer";

    /// <summary>The broker has answered a batch; the outbox does not know.</summary>
    public const string AfterPublishBeforeAck = "after-publish-before-ack";

    /// <summary>Customers and products of a batch are stored; no order has their new names.</summary>
    public const string AfterReferenceBeforePropagation = "after-reference-before-propagation";

    /// <summary>Orders of a batch are stored; their sums are not marked, their names not repaired.</summary>
    public const string AfterOrdersBeforeFollowUp = "after-orders-before-follow-up";

    /// <summary>One page of a renaming is done, perhaps not the last one.</summary>
    public const string MidPropagation = "mid-propagation";

    /// <summary>A batch is stored with everything that follows from it; its messages are not settled.</summary>
    public const string AfterStoreBeforeSettle = "after-store-before-settle";

    /// <summary>A sum is stored; its mark is still there and its total is not marked.</summary>
    public const string AfterSumBeforeUnmark = "after-sum-before-unmark";

    /// <summary>A page of a rebuild is stored; its progress is not.</summary>
    public const string MidCopy = "mid-copy";

    /// <summary>The rebuilt generation is live; the rebuild does not know.</summary>
    public const string MidFlip = "mid-flip";

    /// <summary>Old generations are no longer written; they are not dropped.</summary>
    public const string MidRetire = "mid-retire";

    private static readonly string? armory = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } directory ? directory : null;

    public static IReadOnlyList<string> All { get; } =
    [
        BeforeCommit, AfterCommitBeforeHandOff, AfterHandOffBeforeAnswer, AfterPublishBeforeAck, AfterReferenceBeforePropagation,
        AfterOrdersBeforeFollowUp, MidPropagation, AfterStoreBeforeSettle, AfterSumBeforeUnmark, MidCopy, MidFlip, MidRetire,
    ];

    /// <summary>False outside the harness: then <see cref="Reached"/> does nothing at all.</summary>
    public static bool IsArmed => armory is not null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Reached(string point)
    {
        if (armory is not null) DieIfOrdered(armory, point);
    }

    private static void DieIfOrdered(string directory, string point)
    {
        var order = Path.Combine(directory, point);
        if (!File.Exists(order)) return;
        try
        {
            // One order kills one process: whoever moves the file takes it.
            File.Move(order, $"{order}.{Environment.ProcessId}.taken");
        }
        catch (FileNotFoundException)
        {
            return;
        }

        using var self = Process.GetCurrentProcess();
        self.Kill();
    }
}
