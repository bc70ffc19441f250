using Shop.Chaos.History;
using Shop.Chaos.Schedule;

namespace Shop.Chaos.Checks;

/// <summary>
/// That the other checks had something to look at: a rule about replays passes easily in a run without one. What every run has to show is a
/// violation when it is missing; what depends on luck is named.
/// </summary>
internal static class Coverage
{
    private const string Rule = "a run that shows nothing passes nothing";

    /// <summary>A kind of fault that was tried so often and never did anything does nothing.</summary>
    private const int OftenEnough = 3;

    /// <summary>What arrives so many seconds after the broker got it was late.</summary>
    private const double Late = 0.05;

    public static IEnumerable<Violation> Check(RecordedHistory history, IReadOnlyList<Delivery> deliveries, (double From, double To) calm) =>
        Missing(history, deliveries, calm).Concat(history.Faults.Where(fault => !fault.IsSkipped).GroupBy(fault => fault.Kind)
                .Where(kind => kind.Count() >= OftenEnough && kind.All(fault => IsWithoutEffect(fault, deliveries)))
                .Select(kind => $"none of {kind.Count()} faults of the kind {kind.Key} had an effect ({kind.First().Note})"))
            .Select(what => new Violation('g', Rule, "", Violation.AtTheEnd, what, []));

    /// <summary>What a person should know before he believes that all is well.</summary>
    public static IReadOnlyList<string> Doubts(RecordedHistory history, IReadOnlyList<Delivery> deliveries) =>
    [
        .. history.Faults.Where(fault => !fault.IsSkipped && IsWithoutEffect(fault, deliveries)).GroupBy(fault => fault.Kind)
            .Select(kind => $"{kind.Count()} of {history.Faults.Count(fault => fault.Kind == kind.Key)} faults of the kind {kind.Key} had no effect: "
                + string.Join("; ", kind.GroupBy(fault => fault.Note ?? "no message shows it").Select(why => $"{why.Key[(why.Key.IndexOf(": ", StringComparison.Ordinal) is var colon && colon < 0 ? 0 : colon + 2)..]} ({string.Join(", ", why.Select(fault => $"{fault.Target} {fault.Detail}".TrimEnd()).Distinct())})"))),
    ];

    private static IEnumerable<string> Missing(RecordedHistory history, IReadOnlyList<Delivery> deliveries, (double From, double To) calm)
    {
        var (commands, answered) = (history.Commands, history.Reads.Where(read => read.Status == 200).ToList());
        if (!commands.Any(attempt => attempt.Answer == Answer.Done)) yield return "no command was acknowledged";
        if (!commands.Any(attempt => attempt.Answer == Answer.Refused)) yield return "no command was refused";
        if (!commands.Any(attempt => attempt.Replayed)) yield return "no command was sent again and answered as before";
        if (!commands.Any(attempt => attempt is { IfMatch: not null, Answer: Answer.Done })) yield return "nothing was done with If-Match";
        foreach (var kind in new[] { ReadKind.Order, ReadKind.History, ReadKind.Summary })
        {
            if (!answered.Any(read => read.Kind == kind && read.Seen.Count > 0)) yield return $"no read of the kind '{kind}' that says what it has seen was answered";
        }

        if (!answered.Any(read => read.BestSellers is { Products.Count: > 0 })) yield return "nobody was told the best sellers";
        if (history.Faults.Count == 0) yield return "there was no fault";
        var calmEvents = deliveries.Where(delivery => delivery.At >= calm.From && delivery.At <= calm.To).Select(delivery => delivery.EventId).Distinct().Count();
        if (calmEvents < OutboxLog.FewestInCalm) yield return $"only {calmEvents} events were published after the faults, too few to tell whether they were published once";
    }

    // What the broker does by itself is seen in what the harness's own subscription got.
    private static bool IsWithoutEffect(InjectedFault fault, IReadOnlyList<Delivery> deliveries)
    {
        if (fault.IsWithoutEffect) return true;
        var during = deliveries.Where(delivery => delivery.At >= fault.Start && delivery.At <= fault.End);
        return fault.Kind switch
        {
            nameof(FaultKind.Duplicate) or nameof(FaultKind.Withhold) => !IsRepeated(during, deliveries),
            nameof(FaultKind.Delay) => !during.Any(delivery => delivery.Arrived - delivery.At > Late),
            nameof(FaultKind.Reorder) => !IsOvertaken(during),
            _ => false,
        };
    }

    private static bool IsRepeated(IEnumerable<Delivery> during, IReadOnlyList<Delivery> deliveries)
    {
        var events = during.Select(delivery => delivery.EventId).ToHashSet();
        return deliveries.Where(delivery => events.Contains(delivery.EventId)).GroupBy(delivery => delivery.EventId)
            .Any(copies => copies.Select(copy => copy.Sequence).Distinct().Count() > 1);
    }

    /// <summary>In the order of their arrival, which is the list's.</summary>
    private static bool IsOvertaken(IEnumerable<Delivery> during) => during.Zip(during.Skip(1)).Any(pair => pair.Second.Sequence < pair.First.Sequence);
}
