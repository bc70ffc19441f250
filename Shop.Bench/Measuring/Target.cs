using System.Globalization;

namespace Shop.Bench.Measuring;

/// <summary>What a measure should reach: a value of its own, or a multiple of its reference.</summary>
internal sealed record Target
{
    private Target(double limit, bool isRatio, bool isMinimum) => (Limit, IsRatio, IsMinimum) = (limit, isRatio, isMinimum);

    public double Limit { get; }

    /// <summary>True: <see cref="Limit"/> is compared with value / reference.</summary>
    public bool IsRatio { get; }

    /// <summary>True: more is better.</summary>
    public bool IsMinimum { get; }

    public static Target AtLeast(double value) => new(value, isRatio: false, isMinimum: true);

    public static Target AtMost(double value) => new(value, isRatio: false, isMinimum: false);

    public static Target AtLeastTimes(double ratio) => new(ratio, isRatio: true, isMinimum: true);

    public static Target AtMostTimes(double ratio) => new(ratio, isRatio: true, isMinimum: false);

    public bool IsMet(double value, double? ratio) =>
        (IsRatio ? ratio ?? throw new InvalidOperationException("A target of a ratio needs a reference.") : value) is var reached
        && (IsMinimum ? reached >= Limit : reached <= Limit);

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(IsMinimum ? "at least" : "at most")} {Limit:#,0.###}{(IsRatio ? " x" : "")}");
}
