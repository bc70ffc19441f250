using System.Numerics;

namespace Shop.Bench.Measuring;

/// <summary>
/// Latencies in buckets of at most 0.8% of their value, from one microsecond to more than an hour; recording neither allocates nor locks, and
/// may be done from any thread.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 7;
    private const int Sub = 1 << SubBits;
    private const int Buckets = (32 - SubBits + 1) * Sub;
    private readonly long[] counts = new long[Buckets];

    public long Count => counts.Sum();

    public void Record(TimeSpan latency)
    {
        var microseconds = (ulong)Math.Clamp(latency.Ticks / TimeSpan.TicksPerMicrosecond, 0, uint.MaxValue);
        Interlocked.Increment(ref counts[IndexOf(microseconds)]);
    }

    /// <summary>The latency that a share of all of them does not exceed; the upper end of its bucket.</summary>
    /// <param name="share">From 0 to 1: 0.99 is the 99th percentile.</param>
    public TimeSpan At(double share)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        var wanted = Math.Max(1, (long)Math.Ceiling(Count * share));
        var seen = 0L;
        for (var index = 0; index < Buckets; index++)
        {
            seen += counts[index];
            if (seen >= wanted) return TimeSpan.FromMicroseconds(UpperEndOf(index));
        }

        return TimeSpan.Zero;
    }

    // Values below 128 have buckets of their own; above, each doubling has 128 of them.
    private static int IndexOf(ulong value)
    {
        var shift = Math.Max(0, BitOperations.Log2(value | 1) - SubBits);
        return shift == 0 ? (int)value : (shift * Sub) + (int)(value >> shift);
    }

    private static long UpperEndOf(int index)
    {
        if (index < 2 * Sub) return index;
        var shift = (index / Sub) - 1;
        return ((long)(index - (shift * Sub)) << shift) + (1L << shift) - 1;
    }
}
