namespace Shop.Bench.Measuring;

/// <summary>One number of one repetition.</summary>
/// <param name="Measure">What it says, such as <c>commit to publish p99</c>.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Such as <c>orders/s</c>, <c>ms</c>, <c>MB</c>.</param>
internal readonly record struct Reading(string Measure, double Value, string Unit);

/// <summary>Something that is measured again and again: the shop's own, or a reference.</summary>
/// <param name="Name">As in the table.</param>
/// <param name="Conditions">Under which it runs.</param>
/// <param name="MeasureAsync">One repetition: the same readings in the same order each time.</param>
internal sealed record Subject(string Name, Conditions Conditions, Func<CancellationToken, Task<IReadOnlyList<Reading>>> MeasureAsync)
{
    /// <summary>A subject of a single number.</summary>
    public static Subject Of(string name, string measure, string unit, Conditions conditions, Func<CancellationToken, Task<double>> measureAsync) =>
        new(name, conditions, async cancellationToken => [new(measure, await measureAsync(cancellationToken), unit)]);
}
