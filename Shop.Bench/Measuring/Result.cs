namespace Shop.Bench.Measuring;

/// <summary>One line of the table: a measure, beside its reference where it has one.</summary>
/// <param name="Bench">The benchmark's name.</param>
/// <param name="Measured">The subject's repetitions.</param>
/// <param name="Reference">The reference's, from the same run.</param>
/// <param name="Target">What is wanted; null: the number is only reported.</param>
internal sealed record Result(string Bench, Series Measured, Series? Reference, Target? Target)
{
    public string Measure => $"{Measured.Subject}: {Measured.Measure}";

    public double Value => Measured.Median;

    /// <summary>Median over the reference's median.</summary>
    /// <summary>None beside a reference that needs nothing at all.</summary>
    public double? Ratio => Reference is null || Reference.Median == 0 ? null : Value / Reference.Median;

    public bool? IsMet => Target?.IsMet(Value, Ratio);
}
