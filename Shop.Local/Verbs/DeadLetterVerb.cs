using System.CommandLine;
using System.Globalization;
using Shop.Contracts.Administration;
using Shop.Local.Administration;
using Spectre.Console;

namespace Shop.Local.Verbs;

/// <summary>Events that the projector could not apply: look at them, send them again, throw them away.</summary>
internal static class DeadLetterVerb
{
    public static Command Create() => new("dlq", "See, replay or purge the events that the projector could not apply.")
    {
        List(), Show(), Act("replay", "Publish them again, then take them from the dead letters.", asks: false), Act("purge", "Throw them away for good.", asks: true),
    };

    private static Command List()
    {
        var filter = new Filter(withSequence: false);
        return filter.On(new Command("list", "List them; this changes nothing."), async (administration, selection, _, cancellationToken) =>
        {
            var list = await administration.ListDeadLettersAsync(selection, cancellationToken);
            if (Console.IsOutputRedirected) WriteLines(list);
            else WriteTable(list);
            Console.WriteLine($"{list.DeadLetters.Count} of {list.LookedAt} dead letters{(list.IsComplete ? "" : "; there are more")}");
            return ShopCommandLine.Done;
        });
    }

    private static Command Show()
    {
        var sequence = new Argument<long>("NUMBER") { Description = "The number that dlq list shows." };
        var filter = new Filter(withSequence: false, bare: true);
        return filter.On(new Command("show", "Show one of them, with its body.") { sequence }, async (administration, _, parsed, cancellationToken) =>
        {
            var found = await administration.FindDeadLetterAsync(parsed.GetValue(sequence), cancellationToken);
            var letter = found.DeadLetter;
            Console.WriteLine($"number       {letter.Sequence}\nid           {letter.Id}\ntype         {letter.Type}\nsubject      {letter.Subject}");
            Console.WriteLine($"time         {found.Time?.ToString("O", CultureInfo.InvariantCulture)}\ntraceparent  {found.TraceParent}");
            Console.WriteLine($"reason       {letter.Reason}\ndescription  {letter.Description}\ndelivered    {found.DeliveryCount} times");
            if (letter.FormatError is { } error) Console.WriteLine($"no event     {error}");
            Console.WriteLine();
            Console.WriteLine(found.Body);
            return ShopCommandLine.Done;
        });
    }

    private static Command Act(string action, string description, bool asks)
    {
        var yes = new Option<bool>("--yes") { Description = "Do not ask." };
        var filter = new Filter(withSequence: true);
        var command = new Command(action, description);
        if (asks) command.Add(yes);
        return filter.On(command, async (administration, selection, parsed, cancellationToken) =>
        {
            if (asks && !parsed.GetValue(yes) && !await AgreesAsync(administration, selection, cancellationToken)) return ShopCommandLine.Failed;
            var outcome = await administration.DeadLettersAsync(action, selection, cancellationToken);
            Console.WriteLine($"{outcome.Done} {(asks ? "purged" : "replayed")}, {outcome.Kept} kept");
            foreach (var why in outcome.Why) Console.WriteLine($"kept: {why}");
            return outcome.Kept == 0 ? ShopCommandLine.Done : ShopCommandLine.Failed;
        });
    }

    private static async Task<bool> AgreesAsync(ProjectorAdministration administration, DeadLetterSelection selection, CancellationToken cancellationToken)
    {
        if (Console.IsInputRedirected || Console.IsOutputRedirected) throw new LocalRunException("purge asks before it throws events away, and here is nobody to ask: say --yes.");
        var list = await administration.ListDeadLettersAsync(selection with { Sequence = null }, cancellationToken);
        var count = selection.Sequence is null ? list.DeadLetters.Count : 1;
        return await AnsiConsole.ConfirmAsync($"Throw away {count}{(list.IsComplete ? "" : " or more")} dead letters for good?", defaultValue: false, cancellationToken);
    }

    private static void WriteLines(DeadLetterList list)
    {
        foreach (var letter in list.DeadLetters)
            Console.WriteLine(string.Join('\t', letter.Sequence, letter.EnqueuedAt?.ToString("O", CultureInfo.InvariantCulture), letter.Reason, letter.Type, letter.Subject, letter.Description));
    }

    private static void WriteTable(DeadLetterList list)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("number", "since", "reason", "type", "subject", "description");
        foreach (var letter in list.DeadLetters)
        {
            table.AddRow(
                new Text(letter.Sequence.ToString(CultureInfo.InvariantCulture)), new Text(letter.EnqueuedAt?.ToString("u", CultureInfo.InvariantCulture) ?? ""),
                new Text(letter.Reason), new Text(letter.Type), new Text(letter.Subject), new Text(letter.Description));
        }

        AnsiConsole.Write(table);
    }

    /// <summary>The options that say which dead letters of which shop.</summary>
    private sealed class Filter(bool withSequence, bool bare = false)
    {
        private readonly Option<string?> reason = new("--reason") { Description = "Only with this reason; a * at the end stands for any rest.", HelpName = "REASON" };
        private readonly Option<string?> type = new("--type") { Description = "Only of this event type, likewise.", HelpName = "TYPE" };
        private readonly Option<string?> subject = new("--subject") { Description = "Only about this, such as order/ORD12345, likewise.", HelpName = "SUBJECT" };
        private readonly Option<long?> sequence = new("--number") { Description = "Only the one with this number.", HelpName = "N" };
        private readonly Option<string?> data = ShopOptions.Data();
        private readonly Option<int?> portBase = ShopOptions.PortBase();

        public Command On(Command command, Func<ProjectorAdministration, DeadLetterSelection, ParseResult, CancellationToken, Task<int>> runAsync)
        {
            if (!bare)
            {
                command.Add(reason);
                command.Add(type);
                command.Add(subject);
            }

            if (withSequence) command.Add(sequence);
            command.Add(data);
            command.Add(portBase);
            command.SetAction(async (parsed, cancellationToken) =>
            {
                var shop = ShopLocator.Find(parsed.GetValue(data), parsed.GetValue(portBase));
                using var administration = new ProjectorAdministration(shop.ProjectorAdminUrl, shop.AdminKey);
                return await runAsync(administration, Selection(parsed), parsed, cancellationToken);
            });
            return command;
        }

        private DeadLetterSelection Selection(ParseResult parsed) => bare
            ? new()
            : new(parsed.GetValue(reason), parsed.GetValue(type), parsed.GetValue(subject), withSequence ? parsed.GetValue(sequence) : null);
    }
}
