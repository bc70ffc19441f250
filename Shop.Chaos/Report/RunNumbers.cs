using System.Text.Json;
using System.Text.Json.Serialization;
using Shop.Chaos.History;
using Shop.Chaos.Schedule;

namespace Shop.Chaos.Report;

/// <summary>A run in numbers: one element of the file that <c>--report</c> adds to.</summary>
internal sealed record RunNumbers(
    DateTimeOffset At, int Seed, double Minutes, double OrdersPerSecond, IReadOnlyList<string> Kinds, int Commands, int Attempts, int Acknowledged, int Refused, int Unknown,
    int Replayed, int Reads, int ReadsWithSeen, int Events, int Faults, int Kills, IReadOnlyDictionary<string, int> FaultsByKind, double? ComebackSeconds,
    IReadOnlyList<string> Skipped, IReadOnlyDictionary<string, int> Violations, IReadOnlyList<string> Doubts)
{
    public static RunNumbers Of(RunResult result)
    {
        var commands = result.History.Commands.GroupBy(attempt => attempt.Key).ToList();
        var injected = result.History.Faults.Where(fault => !fault.IsWithoutEffect).ToList();
        return new(
            TimeProvider.System.GetUtcNow(), result.Options.Seed, result.Seconds / 60, result.Options.OrdersPerSecond,
            [.. result.Options.Faults.Select(kind => kind.ToString().ToLowerInvariant())], commands.Count, result.History.Commands.Count,
            commands.Count(command => command.Any(attempt => attempt.Answer == Answer.Done)),
            commands.Count(command => command.All(attempt => attempt.Answer == Answer.Refused)),
            commands.Count(command => command.All(attempt => attempt.Answer != Answer.Done) && command.Any(attempt => attempt.Answer == Answer.Unknown)),
            result.History.Commands.Count(attempt => attempt.Replayed), result.History.Reads.Count, result.History.Reads.Count(read => read.Seen.Count > 0), result.Write.Outbox.Count, injected.Count,
            injected.Count(fault => fault.Kind is nameof(FaultKind.Kill) or nameof(FaultKind.Crash) || fault.Detail == StopEnds.Killed),
            injected.GroupBy(fault => fault.Kind).ToDictionary(kind => kind.Key.ToLowerInvariant(), kind => kind.Count()), result.Comeback.Seconds,
            result.Skipped, result.Violations.GroupBy(violation => $"({violation.Check}) {violation.Rule}").ToDictionary(rule => rule.Key, rule => rule.Count()),
            result.Doubts);
    }

    public static async Task AddAsync(string path, RunNumbers run, CancellationToken cancellationToken)
    {
        List<RunNumbers> runs = File.Exists(path) ? JsonSerializer.Deserialize(await File.ReadAllBytesAsync(path, cancellationToken), ReportJson.Default.ListRunNumbers)! : [];
        runs.Add(run);
        await File.WriteAllBytesAsync(path, JsonSerializer.SerializeToUtf8Bytes(runs, ReportJson.Default.ListRunNumbers), cancellationToken);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(List<RunNumbers>))]
internal sealed partial class ReportJson : JsonSerializerContext;
