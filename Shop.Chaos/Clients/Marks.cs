using System.Globalization;

namespace Shop.Chaos.Clients;

/// <summary>
/// Every command writes something that no other one does: an instant of its own into the order, or a name of its own. So an event tells its
/// command without any help of the system's bookkeeping.
/// </summary>
internal sealed class Marks
{
    private const int ColdDays = 4 * 365;

    /// <summary>Has no divisor in common with <see cref="ColdDays"/>, so that every day has its turn before one comes again.</summary>
    private const int Stride = 787;

    private static readonly DateTimeOffset hot = new(2024, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset cold = new(2019, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private long last;

    /// <summary>
    /// Half of them on three days, whose sums are computed all the time, and half on a day that hardly another order has: a sum that nobody
    /// computes again by chance.
    /// </summary>
    public DateTimeOffset NextInstant() => InstantOf(Interlocked.Increment(ref last));

    public string NextName(string of) => string.Create(CultureInfo.InvariantCulture, $"{of} named {Interlocked.Increment(ref last)}");

    public static string Of(DateTimeOffset instant) => instant.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);

    internal static DateTimeOffset InstantOf(long number) =>
        (number % 2 == 0 ? hot.AddMonths((int)(number / 2 % 3)) : cold.AddDays(number * Stride % ColdDays)).AddMilliseconds(number);
}
