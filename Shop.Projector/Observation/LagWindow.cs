namespace Shop.Projector.Observation;

/// <summary>
/// How long events of the last minute took from commit to visible: sixty one-second histograms with four buckets per doubling from
/// 0.1 ms to about a week, so a quantile is at most 19 % too high and the memory never grows.
/// </summary>
public sealed class LagWindow(TimeProvider time)
{
    /// <summary>How far back it remembers.</summary>
    public const int Seconds = 60;

    private const int BucketsPerDoubling = 4;
    private const int Buckets = 130;
    private const double SmallestMilliseconds = 0.1;
    private readonly Lock gate = new();
    private readonly int[,] counts = new int[Seconds, Buckets];
    private readonly long[] seconds = new long[Seconds];

    public void Record(TimeSpan lag)
    {
        var second = Now;
        var slot = (int)(second % Seconds);
        lock (gate)
        {
            if (seconds[slot] != second)
            {
                seconds[slot] = second;
                for (var bucket = 0; bucket < Buckets; bucket++) counts[slot, bucket] = 0;
            }

            counts[slot, BucketOf(lag)]++;
        }
    }

    /// <summary>How many events there were, and their median and 99th percentile in seconds; null when there were none.</summary>
    /// <param name="last">So many seconds back, the present one included; 1 to <see cref="Seconds"/>.</param>
    public (int Events, double? Median, double? P99) Read(int last = Seconds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(last, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(last, Seconds);
        var sum = new int[Buckets];
        var events = 0;
        var oldest = Now - last + 1;
        lock (gate)
        {
            for (var slot = 0; slot < Seconds; slot++)
            {
                if (seconds[slot] < oldest) continue;
                for (var bucket = 0; bucket < Buckets; bucket++)
                {
                    sum[bucket] += counts[slot, bucket];
                    events += counts[slot, bucket];
                }
            }
        }

        return events == 0 ? (0, null, null) : (events, Quantile(sum, events, 0.5), Quantile(sum, events, 0.99));
    }

    private long Now => time.GetUtcNow().ToUnixTimeSeconds();

    private static int BucketOf(TimeSpan lag) =>
        Math.Clamp((int)Math.Ceiling(BucketsPerDoubling * Math.Log2(Math.Max(lag.TotalMilliseconds, SmallestMilliseconds) / SmallestMilliseconds)), 0, Buckets - 1);

    private static double Quantile(int[] sum, int events, double quantile)
    {
        var rank = (long)Math.Ceiling(events * quantile);
        var bucket = 0;
        for (long seen = sum[0]; seen < rank; seen += sum[bucket]) bucket++;
        return Math.Round(SmallestMilliseconds * Math.Pow(2, (double)bucket / BucketsPerDoubling) / 1000, 4);
    }
}
