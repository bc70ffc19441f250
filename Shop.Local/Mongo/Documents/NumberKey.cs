using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Shop.Local.Mongo.Documents;

/// <summary>
/// The order-preserving form of a number, the same for equal numbers of different types. int, long, double and Decimal128 all have a
/// finite decimal expansion, so it is exact: sign, decimal exponent, digits in pairs.
/// </summary>
internal static class NumberKey
{
    private const byte NotANumber = 1, NegativeInfinity = 2, Negative = 3, Zero = 4, Positive = 5, PositiveInfinity = 6;

    public static void Write(KeyWriter writer, RawValue value)
    {
        switch (value.Type)
        {
            case BsonType.Int32: Integer(writer, value.Int32); break;
            case BsonType.Int64: Integer(writer, value.Int64); break;
            case BsonType.Double: Double(writer, value.Double); break;
            default: Decimal(writer, value.Decimal); break;
        }
    }

    private static void Integer(KeyWriter writer, long value) => Digits(writer, value < 0, value < 0 ? (ulong)~value + 1 : (ulong)value, 0);

    private static void Double(KeyWriter writer, double value)
    {
        if (double.IsNaN(value)) writer.Byte(NotANumber);
        else if (double.IsInfinity(value))
            writer.Byte(value < 0 ? NegativeInfinity : PositiveInfinity);
        else if (Math.Abs(value) < 1e18 && Math.Truncate(value) == value)
            Integer(writer, (long)value);
        else
        {
            var bits = BitConverter.DoubleToInt64Bits(value);
            var biased = (int)(bits >> 52) & 0x7FF;
            BigInteger mantissa = (bits & ((1L << 52) - 1)) | (biased == 0 ? 0 : 1L << 52);
            var exponent = Math.Max(biased, 1) - 1075;
            // m * 2^-e is m * 5^e * 10^-e.
            var digits = exponent >= 0 ? mantissa << exponent : mantissa * BigInteger.Pow(5, -exponent);
            Digits(writer, value < 0, Encoding.ASCII.GetBytes(digits.ToString(CultureInfo.InvariantCulture)), Math.Min(exponent, 0));
        }
    }

    private static void Decimal(KeyWriter writer, Decimal128 value)
    {
        if (Decimal128.IsNaN(value))
            writer.Byte(NotANumber);
        else if (Decimal128.IsInfinity(value))
            writer.Byte(Decimal128.IsNegative(value) ? NegativeInfinity : PositiveInfinity);
        else
        {
            var (negative, coefficient, exponent) = DecimalMath.Parts(value);
            Digits(writer, negative, coefficient, exponent);
        }
    }

    private static void Digits(KeyWriter writer, bool negative, UInt128 coefficient, int exponent)
    {
        Span<byte> digits = stackalloc byte[40];
        int count;
        // Formatting 64 bits is several times faster, and nearly every number has no more.
        if (coefficient <= ulong.MaxValue)
            Utf8Formatter.TryFormat((ulong)coefficient, digits, out count);
        else coefficient.TryFormat(digits, out count, default, CultureInfo.InvariantCulture);
        Digits(writer, negative, digits[..count], exponent);
    }

    private static void Digits(KeyWriter writer, bool negative, ReadOnlySpan<byte> digits, int exponent)
    {
        var magnitude = digits.Length + exponent;
        digits = digits.TrimEnd((byte)'0');
        if (digits.IsEmpty)
        {
            writer.Byte(Zero);
            return;
        }
        writer.Byte(negative ? Negative : Positive);
        var key = writer.Reserve(2 + (digits.Length + 1) / 2 + 1);
        BinaryPrimitives.WriteUInt16BigEndian(key, (ushort)(magnitude + 32768));
        for (var i = 0; i < digits.Length; i += 2)
        {
            var pair = (digits[i] - '0') * 10 + (i + 1 < digits.Length ? digits[i + 1] - '0' : 0);
            key[2 + i / 2] = (byte)(pair + 1);
        }
        key[^1] = 0;
        for (var i = 0; negative && i < key.Length; i++) key[i] = (byte)~key[i];
    }
}
