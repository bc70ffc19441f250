using System.Globalization;
using Spectre.Console;

namespace Shop.Bench.Measuring;

/// <summary>One run of one benchmark: how often and how long it measures, and the loop that interleaves what is compared.</summary>
/// <param name="bench">The benchmark's name.</param>
/// <param name="isQuick">Shortened for development; its numbers say nothing and say so.</param>
/// <param name="withRabbitMq">Whether RabbitMQ is measured beside the local broker.</param>
/// <param name="part">Only the part of that name, for development; null: all of it.</param>
internal sealed class BenchRun(string bench, bool isQuick, bool withRabbitMq = false, string? part = null)
{
    /// <summary>How often everything is measured.</summary>
    public const int Repetitions = 5;

    public bool IsQuick { get; } = isQuick;

    public bool WithRabbitMq { get; } = withRabbitMq;

    /// <summary>How long one repetition measures, at the least.</summary>
    public TimeSpan Duration => TimeSpan.FromSeconds(IsQuick ? 1 : 4);

    /// <summary>True unless the run is for another part alone.</summary>
    public bool Includes(string name) => part is null || part == name;

    /// <summary>A duration, or a small part of it in a quick run.</summary>
    public TimeSpan Scale(TimeSpan full) => IsQuick ? full / 10 : full;

    /// <summary>A number of things, or a small part of it in a quick run.</summary>
    public int Scale(int full) => IsQuick ? Math.Max(1, full / 20) : full;

    /// <summary>
    /// Measures every subject <see cref="Repetitions"/> times, in turn (a, b, c, a, b, c, ...), so that whatever else the machine does meets
    /// all of them alike; before that unmeasured: compiled, cached, connected.
    /// </summary>
    /// <param name="subjects">What is compared.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <param name="warmUps">
    /// How often each is run unmeasured. .NET compiles what is hot again and again during its first half minute under load, on the cores that
    /// are measured: what is compared with something that is not .NET has to be past that.
    /// </param>
    public async Task<SeriesSet> InterleaveAsync(IReadOnlyList<Subject> subjects, CancellationToken cancellationToken, int warmUps = 1)
    {
        foreach (var subject in subjects)
        {
            Say($"{subject.Name}: warming up");
            for (var time = 0; time < (IsQuick ? 1 : warmUps); time++) await subject.MeasureAsync(cancellationToken);
        }

        var readings = subjects.Select(_ => new List<IReadOnlyList<Reading>>()).ToArray();
        for (var repetition = 1; repetition <= Repetitions; repetition++)
        {
            for (var index = 0; index < subjects.Count; index++)
            {
                var reading = await subjects[index].MeasureAsync(cancellationToken);
                readings[index].Add(reading);
                foreach (var (measure, value, unit) in reading) Say($"{subjects[index].Name}: {measure} {Number(value)} {unit} ({repetition}/{Repetitions})");
            }
        }

        return new([.. subjects.SelectMany((subject, index) => readings[index][0].Select((first, place) =>
            new Series(subject.Name, first.Measure, first.Unit, subject.Conditions, [.. readings[index].Select(reading => reading[place].Value)])))]);
    }

    public Result Result(Series measured, Series? reference = null, Target? target = null) => new(bench, measured, reference, target);

    /// <summary>A line about what is going on.</summary>
    public void Say(string line) => AnsiConsole.WriteLine($"{bench}: {line}");

    /// <summary>With as many digits as mean something.</summary>
    public static string Number(double value) =>
        value.ToString(Math.Abs(value) switch { >= 100 => "#,0", >= 10 => "0.0", >= 1 => "0.00", _ => "0.000" }, CultureInfo.InvariantCulture);
}
