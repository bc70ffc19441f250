namespace Shop.Chaos.Checks;

/// <summary>(e) Dead and parked letters are empty unless poison was injected, and then exactly that.</summary>
internal static class Letters
{
    public static IEnumerable<Violation> Check(IReadOnlyCollection<(Guid Id, string Reason)> deadLetters, IReadOnlyCollection<Guid> parked, IReadOnlyCollection<Guid> poison)
    {
        const string rule = "dead letters are the poison that was injected, and nothing else";
        foreach (var (id, reason) in deadLetters.Where(letter => !poison.Contains(letter.Id)))
            yield return new('e', rule, "", Violation.AtTheEnd, $"event {id} was dead-lettered: {reason}", []);
        foreach (var id in poison.Except(deadLetters.Select(letter => letter.Id)))
            yield return new('e', rule, "", Violation.AtTheEnd, $"the poison {id} is not among the dead letters", []);
        foreach (var id in parked) yield return new('e', "nothing is parked", "", Violation.AtTheEnd, $"event {id} was parked: the broker is said to have refused it for good", []);
    }
}
