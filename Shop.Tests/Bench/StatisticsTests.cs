using Shop.Bench.Measuring;

namespace Shop.Tests.Bench;

public sealed class StatisticsTests
{
    [Theory]
    [InlineData(new double[] { 3 }, 3)]
    [InlineData(new double[] { 5, 1, 9 }, 5)]
    [InlineData(new double[] { 4, 1, 3, 100 }, 3.5)]
    public void The_median_is_the_middle_whatever_the_order(double[] values, double expected) => Assert.Equal(expected, Statistics.Median(values));

    [Fact]
    public void The_spread_is_the_range_over_the_median() => Assert.Equal(0.5, Statistics.Spread([80, 100, 130]));

    [Theory]
    [InlineData(2.9, false)]
    [InlineData(3.0, true)]
    public void A_target_of_a_ratio_looks_at_the_ratio(double ratio, bool met) => Assert.Equal(met, Target.AtLeastTimes(3).IsMet(1, ratio));

    [Theory]
    [InlineData(300, true)]
    [InlineData(301, false)]
    public void A_target_of_a_value_looks_at_the_value(double value, bool met) => Assert.Equal(met, Target.AtMost(300).IsMet(value, ratio: null));

    [Fact]
    public void A_percentile_is_at_most_one_per_cent_above_the_exact_one()
    {
        var histogram = new LatencyHistogram();
        foreach (var microseconds in Enumerable.Range(1, 100_000)) histogram.Record(TimeSpan.FromMicroseconds(microseconds));

        Assert.Equal(100_000, histogram.Count);
        foreach (var share in (double[])[0.001, 0.5, 0.99, 0.999, 1]) Assert.InRange(histogram.At(share).TotalMicroseconds, share * 100_000, (share * 101_000) + 1);
    }
}
