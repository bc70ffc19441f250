using System.Globalization;
using System.Numerics;

namespace Shop.Local.Mongo.Documents;

/// <summary>Decimal128 arithmetic (IEEE 754-2008): 34 digits, half to even. The driver's type stores such numbers but does not calculate.</summary>
internal static class DecimalMath
{
    private const int Precision = 34, Bias = 6176, MaxExponent = 6111;
    private static readonly BigInteger Limit = BigInteger.Pow(10, Precision);
    private static readonly UInt128 ExactLimit = (UInt128)Limit;

    /// <summary>A sum of two coefficients below this needs no rounding, nor does a product of two below its root.</summary>
    private static readonly UInt128 Small = UInt128.One << 111, SmallRoot = UInt128.One << 56;

    /// <summary>Sign, coefficient (below 10^34) and power of ten of a finite number.</summary>
    public static (bool Negative, UInt128 Coefficient, int Exponent) Parts(Decimal128 value)
    {
        var high = value.GetIEEEHighBits();
        var negative = high >> 63 == 1;
        // Coefficients that begin with 11 are beyond 34 digits; the standard reads them as zero.
        if ((high >> 61 & 3) == 3) return (negative, 0, (int)(high >> 47 & 0x3FFF) - Bias);
        var coefficient = new UInt128(high & 0x1FFFFFFFFFFFF, value.GetIEEELowBits());
        return (negative, coefficient < ExactLimit ? coefficient : 0, (int)(high >> 49 & 0x3FFF) - Bias);
    }

    public static Decimal128 FromDouble(double value) => double.IsNaN(value) ? Decimal128.QNaN
        : double.IsInfinity(value) ? value > 0 ? Decimal128.PositiveInfinity : Decimal128.NegativeInfinity
        : Decimal128.Parse(value.ToString("G15", CultureInfo.InvariantCulture));

    public static Decimal128 Add(Decimal128 left, Decimal128 right)
    {
        if (Decimal128.IsNaN(left) || Decimal128.IsNaN(right)) return Decimal128.QNaN;
        if (Decimal128.IsInfinity(left))
            return Decimal128.IsInfinity(right) && Decimal128.IsNegative(left) != Decimal128.IsNegative(right) ? Decimal128.QNaN : left;
        if (Decimal128.IsInfinity(right)) return right;
        var (x, y) = (Parts(left), Parts(right));
        if (x.Exponent == y.Exponent && x.Coefficient < Small && y.Coefficient < Small)
        {
            var sum = (x.Negative ? -(Int128)x.Coefficient : (Int128)x.Coefficient) + (y.Negative ? -(Int128)y.Coefficient : (Int128)y.Coefficient);
            return Compose(sum < 0, (UInt128)Int128.Abs(sum), x.Exponent);
        }
        var (a, exponentA) = Signed(left);
        var (b, exponentB) = Signed(right);
        var exponent = Math.Min(exponentA, exponentB);
        return Round(a * BigInteger.Pow(10, exponentA - exponent) + b * BigInteger.Pow(10, exponentB - exponent), exponent);
    }

    public static Decimal128 Multiply(Decimal128 left, Decimal128 right)
    {
        if (Decimal128.IsNaN(left) || Decimal128.IsNaN(right)) return Decimal128.QNaN;
        if (Decimal128.IsInfinity(left) || Decimal128.IsInfinity(right))
            return IsZero(left) || IsZero(right) ? Decimal128.QNaN : Infinity(left, right);
        var (x, y) = (Parts(left), Parts(right));
        return x.Coefficient < SmallRoot && y.Coefficient < SmallRoot && x.Exponent + y.Exponent is >= -Bias and <= MaxExponent and var exponent
            ? Compose(x.Negative != y.Negative && x.Coefficient * y.Coefficient != 0, x.Coefficient * y.Coefficient, exponent)
            : Round(Signed(left).Coefficient * Signed(right).Coefficient, x.Exponent + y.Exponent);
    }

    /// <summary>The divisor is not zero; exact quotients get the shortest form.</summary>
    public static Decimal128 Divide(Decimal128 left, Decimal128 right)
    {
        if (Decimal128.IsNaN(left) || Decimal128.IsNaN(right)) return Decimal128.QNaN;
        if (Decimal128.IsInfinity(right)) return Decimal128.IsInfinity(left) ? Decimal128.QNaN : Decimal128.Zero;
        if (Decimal128.IsInfinity(left)) return Infinity(left, right);
        var (a, exponentA) = Signed(left);
        var (b, exponentB) = Signed(right);
        var ideal = exponentA - exponentB;
        const int Extra = 2 * Precision + 2;
        var quotient = BigInteger.DivRem(a * BigInteger.Pow(10, Extra), b, out var remainder);
        var exponent = ideal - Extra;
        // A digit that stands for what was cut keeps half-to-even right.
        if (!remainder.IsZero) return Round(quotient * 10 + (a.Sign * b.Sign), exponent - 1);
        while (exponent < ideal && !quotient.IsZero && quotient % 10 == 0) (quotient, exponent) = (quotient / 10, exponent + 1);
        return Round(quotient, quotient.IsZero ? ideal : exponent);
    }

    private static bool IsZero(Decimal128 value) => !Decimal128.IsInfinity(value) && Parts(value).Coefficient == 0;

    private static (BigInteger Coefficient, int Exponent) Signed(Decimal128 value)
    {
        var (negative, coefficient, exponent) = Parts(value);
        return (negative ? -(BigInteger)coefficient : coefficient, exponent);
    }

    private static Decimal128 Infinity(Decimal128 left, Decimal128 right) =>
        Decimal128.IsNegative(left) == Decimal128.IsNegative(right) ? Decimal128.PositiveInfinity : Decimal128.NegativeInfinity;

    private static Decimal128 Round(BigInteger value, int exponent)
    {
        var negative = value.Sign < 0;
        var coefficient = BigInteger.Abs(value);
        var excess = Math.Max(Digits(coefficient) - Precision, -Bias - exponent);
        if (excess > 0)
        {
            (coefficient, exponent) = (HalfEven(coefficient, excess), exponent + excess);
            if (coefficient == Limit) (coefficient, exponent) = (coefficient / 10, exponent + 1);
        }
        while (exponent > MaxExponent && coefficient * 10 < Limit)
            (coefficient, exponent) = (coefficient * 10, exponent - (coefficient.IsZero ? exponent - MaxExponent : 1));
        if (exponent > MaxExponent) return negative ? Decimal128.NegativeInfinity : Decimal128.PositiveInfinity;
        return Compose(negative, (UInt128)coefficient, exponent);
    }

    private static Decimal128 Compose(bool negative, UInt128 coefficient, int exponent) =>
        Decimal128.FromIEEEBits((negative ? 1UL << 63 : 0) | (ulong)(exponent + Bias) << 49 | (ulong)(coefficient >> 64), (ulong)coefficient);

    private static int Digits(BigInteger value)
    {
        if (value.IsZero) return 1;
        var digits = (int)(value.GetBitLength() * 0.30102999566398120);
        return BigInteger.Pow(10, digits) <= value ? digits + 1 : Math.Max(digits, 1);
    }

    private static BigInteger HalfEven(BigInteger value, int digits)
    {
        var unit = BigInteger.Pow(10, digits);
        var quotient = BigInteger.DivRem(value, unit, out var remainder);
        var half = (remainder * 2).CompareTo(unit);
        return half > 0 || half == 0 && !quotient.IsEven ? quotient + 1 : quotient;
    }
}
