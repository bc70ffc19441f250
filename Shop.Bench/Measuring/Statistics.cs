namespace Shop.Bench.Measuring;

internal static class Statistics
{
    /// <summary>The middle value; between the two middle ones where their number is even.</summary>
    public static double Median(IReadOnlyList<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfZero(values.Count);
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>(highest - lowest) / median: 0.1 says that the repetitions lie within ten per cent.</summary>
    public static double Spread(IReadOnlyList<double> values)
    {
        var median = Median(values);
        return median == 0 ? 0 : (values.Max() - values.Min()) / Math.Abs(median);
    }
}
