#if SEEDED_BUGS
namespace Shop.ServiceDefaults.Reliability;

/// <summary>
/// Known bugs that <c>./shop chaos --self-check</c> switches on one at a time, to see that its checks find them. Compiled only in the build
/// configuration <c>Chaos</c>; what is built for anything else does not contain them (docs/adr/0015-seeded-bugs.md).
/// </summary>
public static class SeededBug
{
    public const string Variable = "SHOP_SEEDED_BUG";
    public const string AcknowledgeBeforeCommit = "acknowledge-before-commit";
    public const string CursorThatSkips = "cursor-that-skips";
    public const string NoVersionGuard = "no-version-guard";
    public const string SettleBeforeStore = "settle-before-store";
    public const string NoUniqueKey = "no-unique-key";
    public const string NoLeadership = "no-leadership";
    public const string NoNameRepair = "no-name-repair";
    public const string NoFollowUpOnRedelivery = "no-follow-up-on-redelivery";

    private static readonly string? on = Environment.GetEnvironmentVariable(Variable);

    public static IReadOnlyList<string> All { get; } =
    [
        AcknowledgeBeforeCommit, CursorThatSkips, NoVersionGuard, SettleBeforeStore, NoUniqueKey, NoLeadership, NoNameRepair, NoFollowUpOnRedelivery,
    ];

    public static bool IsOn(string bug) => on == bug;
}
#endif
