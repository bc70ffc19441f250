using System.Globalization;
using Shop.Chaos.History;
using Shop.Contracts.Commands;

namespace Shop.Chaos.Checks;

/// <summary>
/// (a) Every acknowledged command is in PostgreSQL with exactly one effect, whatever was retried; nothing refused is; unknown ones are there
/// once or not at all; and there is nothing that nobody asked for.
/// </summary>
internal static class CommandEffects
{
    public static IEnumerable<Violation> Check(RecordedHistory history, WriteSide write)
    {
        var effects = write.Outbox.ToLookup(row => (row.CommandType, row.Subject, row.Mark));
        var commands = history.Commands.GroupBy(attempt => attempt.Key).ToList();
        return commands.SelectMany(command => OfCommand([.. command], [.. effects[Identity(command.First())]], write))
            .Concat(Unasked(history, write))
            .Concat(OutOfOrder(commands))
            .Concat(Unexplained(history))
            .Concat(States(write));
    }

    private static (string, string, string) Identity(CommandAttempt attempt) => (attempt.Type, attempt.Subject, attempt.Mark);

    private static IEnumerable<Violation> OfCommand(IReadOnlyList<CommandAttempt> attempts, IReadOnlyList<OutboxRow> effects, WriteSide write)
    {
        var first = attempts[0];
        var done = attempts.Where(attempt => attempt.Answer == Answer.Done).ToList();
        var evidence = attempts.Select(attempt => attempt.Seq).ToList();
        if (effects.Count > 1)
        {
            yield return Found("a command has exactly one effect", attempts[^1].End,
                $"{first.Type} {first.Key} had {effects.Count} effects: versions {string.Join(", ", effects.Select(effect => effect.Version))}");
        }

        if (done.Count > 0 && effects.Count == 0)
            yield return Found("an acknowledged command is never lost", done[0].End, $"{first.Type} {first.Key} was acknowledged as version {done[0].Version}, and PostgreSQL does not have it");
        foreach (var answer in done.Where(answer => effects.Count == 1 && answer.Version != effects[0].Version))
            yield return Found("every answer says the version that the effect has", answer.End, $"{first.Type} {first.Key} was answered version {answer.Version}, its event has {effects[0].Version}");
        foreach (var answer in done.Where(answer => effects.Count == 1 && answer.IfMatch is { } expected && effects[0].Version != expected + 1))
            yield return Found("what is done if a version matches is done to that version", answer.End, $"{first.Type} {first.Key} was to be done to version {answer.IfMatch}, and made version {effects[0].Version}");
        if (done.Count == 0 && effects.Count > 0 && attempts.All(attempt => attempt.Answer == Answer.Refused))
            yield return Found("nothing refused is done", attempts[^1].End, $"{first.Type} {first.Key} was refused at every attempt, and is version {effects[0].Version}");

        if (attempts.Select(attempt => attempt.CommandId).FirstOrDefault(id => id is not null) is not { } commandId) yield break;
        var isLogged = write.Log.TryGetValue(commandId, out var logged);
        if (isLogged != effects.Count > 0)
            yield return Found("a command is logged exactly when it is done", attempts[^1].End, $"{first.Type} {first.Key} is {(isLogged ? "" : "not ")}in the command log and has {effects.Count} effects");
        else if (isLogged && effects.Count == 1 && (logged.Version != effects[0].Version || logged.Subject != first.Subject))
            yield return Found("the command log says what was done", attempts[^1].End, $"{first.Key} is logged as {logged.Subject} version {logged.Version}, its event is {first.Subject} version {effects[0].Version}");

        Violation Found(string rule, double at, string what) => new('a', rule, first.Subject, at, what, evidence);
    }

    private static IEnumerable<Violation> Unasked(RecordedHistory history, WriteSide write)
    {
        var asked = history.Commands.Select(Identity).ToHashSet();
        return write.Outbox.Where(row => !asked.Contains((row.CommandType, row.Subject, row.Mark)))
            .Select(row => new Violation('a', "nothing happens that nobody asked for", row.Subject, Violation.AtTheEnd,
                $"{row.Type} version {row.Version} has the mark '{row.Mark}', which no command wrote", []));
    }

    /// <summary>
    /// Some refusals cannot be right: a client sends the same content whenever it sends the same id, and what was created before a command
    /// was sent is not unknown to it.
    /// </summary>
    private static IEnumerable<Violation> Unexplained(RecordedHistory history)
    {
        const string rule = "every refusal is explainable";
        var created = history.Commands.Where(attempt => attempt is { Answer: Answer.Done, Type: nameof(PlaceOrder) or nameof(RegisterCustomer) or nameof(AddProduct) })
            .GroupBy(attempt => attempt.Subject).ToDictionary(attempts => attempts.Key, attempts => attempts.MinBy(attempt => attempt.End)!);
        foreach (var attempt in history.Commands.Where(attempt => attempt is { Answer: Answer.Refused, Detail: not null }))
        {
            var isAlien = attempt.Detail!.Contains("command-id-reused", StringComparison.Ordinal) || attempt.Detail.Contains("id-taken", StringComparison.Ordinal);
            if (isAlien) yield return new('a', rule, attempt.Subject, attempt.End, $"{attempt.Key} is taken for another command: {attempt.Detail}", [attempt.Seq]);
            // A new order may name a customer who is unknown; this is about the target itself.
            else if (created.TryGetValue(attempt.Subject, out var creating) && attempt.Type != creating.Type && creating.End < attempt.Start && attempt.Detail.Contains("unknown-", StringComparison.Ordinal))
                yield return new('a', rule, attempt.Subject, attempt.End, $"{attempt.Key} was told that {attempt.Subject} is unknown, which was acknowledged before: {attempt.Detail}", [creating.Seq, attempt.Seq]);
        }
    }

    /// <summary>Who asks after somebody else was answered comes after him.</summary>
    private static IEnumerable<Violation> OutOfOrder(IEnumerable<IGrouping<string, CommandAttempt>> commands)
    {
        var done = commands.Select(command => (
                command.First().Subject, Asked: command.Min(attempt => attempt.Start), Answers: command.Where(attempt => attempt.Answer == Answer.Done).ToList()))
            .Where(command => command.Answers.Count > 0)
            .Select(command => (command.Subject, command.Asked, First: command.Answers.MinBy(answer => answer.End)!));
        foreach (var subject in done.GroupBy(command => command.Subject))
        {
            // From the highest version down: none of the higher ones may have been answered before this one was asked for.
            CommandAttempt? earliest = null;
            foreach (var (_, asked, answer) in subject.OrderByDescending(command => command.First.Version))
            {
                if (earliest is not null && earliest.End < asked && earliest.Version > answer.Version)
                {
                    yield return new('a', "commands on one thing happen in the order in which they were answered", subject.Key, answer.End, string.Create(CultureInfo.InvariantCulture,
                        $"{answer.Key} was asked for at {asked:0.000} s and got version {answer.Version}, but {earliest.Key} had been answered version {earliest.Version} at {earliest.End:0.000} s"), [earliest.Seq, answer.Seq]);
                }

                if (earliest is null || answer.End < earliest.End) earliest = answer;
            }
        }
    }

    private static IEnumerable<Violation> States(WriteSide write)
    {
        var last = write.Outbox.GroupBy(row => row.Subject).ToDictionary(rows => rows.Key, rows => rows.MaxBy(row => row.Version)!);
        var stored = write.States.ToDictionary(state => state.Subject);
        foreach (var (subject, row) in last)
        {
            if (!stored.TryGetValue(subject, out var state) || state.Version != row.Version || state.Status != row.Order?.Status || state.Name != (row.Customer?.Name ?? row.Product?.Name))
            {
                yield return new('a', "state and events say the same", subject, Violation.AtTheEnd,
                    $"the last event is version {row.Version} {row.Order?.Status}, the table says {(state is null ? "nothing" : $"version {state.Version} {state.Status}")}", []);
            }
        }

        foreach (var subject in stored.Keys.Except(last.Keys))
            yield return new('a', "state and events say the same", subject, Violation.AtTheEnd, "the table has it, and no event ever said so", []);
    }
}
