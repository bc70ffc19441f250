using System.Globalization;
using Shop.Chaos.Checks;
using Shop.Chaos.History;

namespace Shop.Chaos.Report;

/// <summary>A result as a person reads it: the numbers, and around the first violation the smallest history that shows it.</summary>
internal static class ResultWriter
{
    private const int MostLines = 40, MostRules = 12;

    /// <summary>Faults so long before a violation are shown with it, in seconds.</summary>
    private const double Shadow = 12;

    public static void Write(RunResult result, TextWriter to)
    {
        var numbers = RunNumbers.Of(result);
        to.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Seed {numbers.Seed}: {numbers.Minutes:0.0} min, {numbers.Commands} commands in {numbers.Attempts} attempts ({numbers.Acknowledged} acknowledged, {numbers.Refused} refused, {numbers.Unknown} unknown), {numbers.Reads} reads ({numbers.ReadsWithSeen} with seen), {numbers.Events} events; {numbers.Faults} faults, {numbers.Kills} of them kills."));
        to.WriteLine(result.Comeback.Seconds is { } seconds
            ? string.Create(CultureInfo.InvariantCulture, $"Back to normal {seconds:0.0} s after the last fault (last missing: {result.Comeback.Last}).")
            : $"Not back to normal: {result.Comeback.Last}.");
        foreach (var doubt in result.Doubts) to.WriteLine(doubt);
        if (result.Violations.Count == 0)
        {
            to.WriteLine("Every check passed.");
            return;
        }

        to.WriteLine();
        to.WriteLine($"{result.Violations.Count} VIOLATIONS with seed {result.Options.Seed}:");
        foreach (var rule in result.Violations.GroupBy(violation => (violation.Check, violation.Rule)).Take(MostRules))
            to.WriteLine($"  ({rule.Key.Check}) {rule.Key.Rule}: {rule.Count()}, the first: {rule.First().What}");
        WriteHistory(result, result.Violations[0], to);
        to.WriteLine($"Everything: {result.Directory}; the same faults again: ./shop chaos --seed {result.Options.Seed} --minutes {result.Options.Length.TotalMinutes.ToString(CultureInfo.InvariantCulture)}");
    }

    private static void WriteHistory(RunResult result, Violation violation, TextWriter to)
    {
        to.WriteLine();
        to.WriteLine($"The first, ({violation.Check}) {violation.Rule}: {violation.What}");
        var evidence = violation.Evidence.ToHashSet();
        var end = result.History.Commands.Where(attempt => evidence.Contains(attempt.Seq)).Select(attempt => attempt.End)
            .Concat(result.History.Reads.Where(read => evidence.Contains(read.Seq)).Select(read => read.End)).DefaultIfEmpty(double.MaxValue).Max();
        // What else happened to the same thing, as far as it can have mattered.
        var commands = result.History.Commands.Where(attempt => evidence.Contains(attempt.Seq)
            || (violation.Subject.Length > 0 && attempt.Subject == violation.Subject && attempt.Answer != Answer.Refused && attempt.Start <= end)).ToList();
        var reads = result.History.Reads.Where(read => evidence.Contains(read.Seq)).ToList();
        var times = commands.Select(attempt => attempt.Start).Concat(reads.Select(read => read.Start)).DefaultIfEmpty(0).ToList();
        var (from, until) = (times.Min() - Shadow, Math.Min(violation.At, times.Max() + Shadow));
        var faults = result.History.Faults.Where(fault => fault.End >= from && fault.Start <= until);
        var events = result.Write.Outbox.Where(row => row.Subject == violation.Subject);
        var lines = commands.Select(attempt => (attempt.Start, Text(attempt))).Concat(reads.Select(read => (read.Start, Text(read, violation.Subject))))
            .Concat(faults.Select(fault => (fault.Start, Text(fault)))).OrderBy(line => line.Item1).ToList();
        foreach (var (_, line) in lines.Take(MostLines)) to.WriteLine("  " + line);
        if (lines.Count > MostLines) to.WriteLine($"  and {lines.Count - MostLines} more");
        foreach (var row in events.OrderBy(row => row.Position).Take(MostLines))
            to.WriteLine($"  in PostgreSQL: shard {row.Shard} position {row.Position}: {row.Type} {row.Subject} version {row.Version} (mark {row.Mark})");
    }

    private static string Text(CommandAttempt attempt) => string.Create(CultureInfo.InvariantCulture,
        $"#{attempt.Seq} {attempt.Start:0.000}-{attempt.End:0.000} client {attempt.Client} {attempt.Type} {attempt.Subject} (key {attempt.Key}{(attempt.IfMatch is { } version ? $", If-Match {version}" : "")}) to {attempt.To}: {attempt.Answer} {attempt.Status} {(attempt.Version is { } reached ? $"version {reached}" : attempt.Detail)}{(attempt.Replayed ? " replayed" : "")}");

    private static string Text(Read read, string subject) => string.Create(CultureInfo.InvariantCulture,
        $"#{read.Seq} {read.Start:0.000}-{read.End:0.000} client {read.Client} read {read.Kind} {read.Subject} of {read.To}, seen [{string.Join(", ", read.Seen.Select(seen => $"{seen.Subject}:{seen.Version}"))}]: {read.Status} {string.Join("; ", (read.Orders ?? []).Where(order => read.Orders!.Count == 1 || $"order/{order.Id}" == subject).Select(order => $"{order.Id} version {order.Version} {order.Status} for '{order.CustomerName}' ({order.CustomerVersion})"))}{(read.Summary is { } summary ? $" {summary.Orders} orders of {summary.TotalSpent:0.00}" : "")}");

    private static string Text(InjectedFault fault) => string.Create(CultureInfo.InvariantCulture,
        $"#{fault.Seq} {fault.Start:0.000}-{fault.End:0.000} FAULT {fault.Kind} {fault.Target} {fault.Detail} {fault.Note}");
}
