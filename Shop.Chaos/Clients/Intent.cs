using System.Globalization;
using Shop.Contracts.Commands;

namespace Shop.Chaos.Clients;

/// <summary>A command that a client means to have done, however many attempts that takes.</summary>
/// <param name="Key">The same for whoever sends it.</param>
/// <param name="Command">As it is sent.</param>
/// <param name="Subject">Its target as events name it.</param>
/// <param name="Mark">What only this command writes; see <see cref="Marks"/>.</param>
internal sealed record Intent(string Key, Command Command, string Subject, string Mark);

/// <summary>
/// Every command writes something that no other one does: an instant of its own into the order, or a name of its own. So an event tells its
/// command without any help of the system's bookkeeping.
/// </summary>
internal sealed class Marks
{
    private static readonly DateTimeOffset epoch = new(2024, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private long last;

    /// <summary>In three different months, so that a customer has more than one sum.</summary>
    public DateTimeOffset NextInstant() => InstantOf(Interlocked.Increment(ref last));

    public string NextName(string of) => string.Create(CultureInfo.InvariantCulture, $"{of} named {Interlocked.Increment(ref last)}");

    public static string Of(DateTimeOffset instant) => instant.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);

    private static DateTimeOffset InstantOf(long number) => epoch.AddMonths((int)(number % 3)).AddMilliseconds(number);
}
