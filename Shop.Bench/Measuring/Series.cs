namespace Shop.Bench.Measuring;

/// <summary>The repetitions of one measure of one subject.</summary>
internal sealed record Series(string Subject, string Measure, string Unit, Conditions Conditions, IReadOnlyList<double> Values)
{
    public double Median => Statistics.Median(Values);

    public double Spread => Statistics.Spread(Values);
}

/// <summary>What interleaved repetitions gave.</summary>
internal sealed class SeriesSet(IReadOnlyList<Series> all)
{
    public IReadOnlyList<Series> All { get; } = all;

    /// <summary>The only series of a subject.</summary>
    public Series this[Subject subject] => All.Single(series => series.Subject == subject.Name);

    public Series this[Subject subject, string measure] => All.Single(series => series.Subject == subject.Name && series.Measure == measure);
}
