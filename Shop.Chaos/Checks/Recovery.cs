using System.Globalization;

namespace Shop.Chaos.Checks;

/// <summary>How the shop came back after the last fault.</summary>
/// <param name="Seconds">From the end of the last fault until everything was healthy and new orders were visible as fast as before; null: it did not in the time given.</param>
/// <param name="Last">What was missing when it was last asked.</param>
internal sealed record Comeback(double? Seconds, string Last);

/// <summary>(f) Every process recovers without a person, and the lag is back to normal within 30 s of the last fault.</summary>
internal static class Recovery
{
    public const double Limit = 30;

    /// <param name="comeback">How it came back.</param>
    /// <param name="endedByThemselves">Processes that ended although nobody had ended them, and what they said last.</param>
    public static IEnumerable<Violation> Check(Comeback comeback, IReadOnlyList<string> endedByThemselves)
    {
        foreach (var end in endedByThemselves) yield return new('f', "no process ends by itself", "", Violation.AtTheEnd, end, []);
        if (comeback.Seconds is null)
            yield return new('f', "every process recovers without a person", "", Violation.AtTheEnd, $"the shop is still not well: {comeback.Last}", []);
        else if (comeback.Seconds > Limit)
            yield return new('f', "the lag is back to normal within 30 s of the last fault", "", Violation.AtTheEnd, string.Create(CultureInfo.InvariantCulture, $"it took {comeback.Seconds:0.0} s; last missing: {comeback.Last}"), []);
    }
}
