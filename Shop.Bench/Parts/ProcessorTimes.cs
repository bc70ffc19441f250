using System.Diagnostics;
using Shop.Bench.Measuring;
using Shop.Local.Supervision;

namespace Shop.Bench.Parts;

/// <summary>
/// What processes, each with all its children, use for one operation: which part of a rate is whose. Of this process, whose children the others
/// are, it is what it uses itself. Zero where there is no /proc.
/// </summary>
/// <param name="parts">What they are called in the table, and which they are.</param>
internal sealed class ProcessorTimes(params IReadOnlyList<(string Whose, int ProcessId)> parts)
{
    private static readonly bool isKnown = Directory.Exists("/proc/self");

    public static string Of(string whose) => $"processor time of {whose}";

    public double[] Read() => [.. parts.Select(part => SecondsOf(part.ProcessId))];

    /// <summary>Microseconds for each of so many operations since the reading before.</summary>
    public IEnumerable<Reading> Since(double[] before, double operations) =>
        parts.Zip(Read(), before).Select(part => new Reading(Of(part.First.Whose), (part.Second - part.Third) / operations * 1_000_000, "us"));

    /// <summary>A rate, and what each operation of it has used.</summary>
    public async Task<IReadOnlyList<Reading>> AroundAsync(string measure, string unit, Func<Task<double>> perSecondAsync)
    {
        var before = Read();
        var began = Stopwatch.GetTimestamp();
        var rate = await perSecondAsync();
        return [new(measure, rate, unit), .. Since(before, rate * Stopwatch.GetElapsedTime(began).TotalSeconds)];
    }

    private static double SecondsOf(int processId) =>
        !isKnown ? 0 : processId == Environment.ProcessId ? Environment.CpuUsage.TotalTime.TotalSeconds : ProcessTree.ProcessorSeconds(processId);
}
