namespace Shop.Chaos.Schedule;

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

    /// <summary>What the caller says next is lost, and its connection reset: a request that may or may not have been heard was not. Again about once a second.</summary>
    public const string LostRequest = "lost-request";

    /// <summary>What the called part answers next is lost, and the connection reset: it was done. Again about once a second.</summary>
    public const string LostAnswer = "lost-answer";

    public static readonly string[] All = [LostRequest, LostAnswer, Cut, HalfOpen, HalfOpenLost, Deaf, Slow];
}
