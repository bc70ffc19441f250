using System.Globalization;
using Shop.Bench.Measuring;
using Spectre.Console;

namespace Shop.Bench.Reporting;

/// <summary>The results as a table for people, with what makes them comparable below it.</summary>
internal static class ResultTable
{
    public static void Write(Benchmark benchmark, IReadOnlyList<Result> results, Machine machine, bool quick) =>
        Write(AnsiConsole.Console, benchmark, results, machine, quick);

    public static void Write(IAnsiConsole console, Benchmark benchmark, IReadOnlyList<Result> results, Machine machine, bool quick)
    {
        console.WriteLine();
        console.WriteLine($"{benchmark.Name}: {benchmark.Summary}");
        if (quick) console.WriteLine("A QUICK RUN, for development only: these numbers say nothing.");
        var table = new Table().Border(TableBorder.Rounded).AddColumns("measure", "value", "unit", "spread", "reference", "ratio", "target", "met");
        foreach (var result in results)
        {
            table.AddRow(
                new Text(result.Measure), Right(BenchRun.Number(result.Value)), new Text(result.Measured.Unit), Right(Percent(result.Measured.Spread)),
                new Text(result.Reference is { } reference ? $"{reference.Subject}: {BenchRun.Number(reference.Median)} {reference.Unit} ({Percent(reference.Spread)})" : ""),
                Right(result.Ratio is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : ""), new Text(result.Target?.ToString() ?? ""),
                new Text(result.IsMet switch { true => "yes", false => "NO", null => "" }));
        }

        console.Write(table);
        WriteConditions(console, results);
        console.WriteLine($"{results.Select(result => result.Measured.Values.Count).DefaultIfEmpty().Min()} or more repetitions, interleaved; value and ratio are medians, spread is (highest - lowest) / median.");
        console.WriteLine($"{machine.Cpu}, {machine.Cores} cores, {machine.MemoryMb:#,0} MB; {machine.System}; {machine.Runtime}; PostgreSQL {machine.PostgreSql}");
        console.WriteLine();
    }

    private static void WriteConditions(IAnsiConsole console, IReadOnlyList<Result> results)
    {
        var sides = new Table().Border(TableBorder.Rounded).AddColumns("side", "durability", "batching", "cores");
        var series = results.SelectMany(result => new[] { result.Measured, result.Reference }).OfType<Series>();
        foreach (var side in series.DistinctBy(one => one.Subject))
            sides.AddRow(new Text(side.Subject), new Text(side.Conditions.Durability), new Text(side.Conditions.Batching), new Text(side.Conditions.Cores));
        console.Write(sides);
    }

    private static Text Right(string text) => new(text) { Justification = Justify.Right };

    private static string Percent(double share) => share.ToString("0 %", CultureInfo.InvariantCulture);
}
