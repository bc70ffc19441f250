namespace Shop.Local.Mongo.Documents;

/// <summary>Comparison, truth and arithmetic of values as MongoDB has them. <see cref="BsonValue.CompareTo"/> is not that.</summary>
internal static class Values
{
    public static int Compare(BsonValue left, BsonValue right)
    {
        if (ReferenceEquals(left, right)) return 0;
        var types = TypeOrder.Of(left).CompareTo(TypeOrder.Of(right));
        if (types != 0) return types;
        return (left, right) switch
        {
            (BsonInt32 or BsonInt64, BsonInt32 or BsonInt64) => left.ToInt64().CompareTo(right.ToInt64()),
            (BsonDateTime a, BsonDateTime b) => a.MillisecondsSinceEpoch.CompareTo(b.MillisecondsSinceEpoch),
            (BsonString a, BsonString b) when string.Equals(a.Value, b.Value, StringComparison.Ordinal) => 0,
            _ => KeyWriter.Of(left).AsSpan().SequenceCompareTo(KeyWriter.Of(right))
        };
    }

    public static bool Same(BsonValue left, BsonValue right) => Compare(left, right) == 0;

    public static bool Same(RawValue left, RawValue right) => left.Type == right.Type && left.Bytes.SequenceEqual(right.Bytes)
        || !left.IsMissing && !right.IsMissing && KeyWriter.Of(left).AsSpan().SequenceEqual(KeyWriter.Look(right));

    public static bool IsNaN(RawValue value) =>
        value.Type == BsonType.Double && double.IsNaN(value.Double) || value.Type == BsonType.Decimal128 && Decimal128.IsNaN(value.Decimal);

    public static bool IsTrue(RawValue value) => !value.IsMissing && IsTrue(value.ToBson());

    /// <summary>False are false, zero, null, undefined and missing.</summary>
    public static bool IsTrue(BsonValue? value) => value switch
    {
        null or BsonNull or BsonUndefined => false,
        BsonBoolean boolean => boolean.Value,
        _ => !TypeOrder.IsNumber(value) || Compare(value, BsonInt32.Create(0)) != 0
    };

    public static BsonValue Add(BsonValue left, BsonValue right) => Calculate(left, right, DecimalMath.Add, (a, b) => a + b, (a, b) => a + b);
    public static BsonValue Multiply(BsonValue left, BsonValue right) => Calculate(left, right, DecimalMath.Multiply, (a, b) => a * b, (a, b) => a * b);
    public static BsonValue Subtract(BsonValue left, BsonValue right) =>
        Calculate(left, right, (a, b) => DecimalMath.Add(a, Decimal128.Negate(b)), (a, b) => a - b, (a, b) => a - b);

    /// <summary>Double, or Decimal128 when one of the two is; the divisor is not zero.</summary>
    public static BsonValue Divide(BsonValue left, BsonValue right) => left is BsonDecimal128 || right is BsonDecimal128
        ? new BsonDecimal128(DecimalMath.Divide(ToDecimal(left), ToDecimal(right))) : new BsonDouble(ToDouble(left) / ToDouble(right));

    public static double ToDouble(BsonValue value) => value switch
    {
        BsonInt32 integer => integer.Value,
        BsonInt64 integer => integer.Value,
        BsonDouble real => real.Value,
        BsonDecimal128 number => (double)number.Value,
        _ => throw MongoRefusal.TypeMismatch($"expected a number, found {TypeOrder.Name(value)}")
    };

    public static Decimal128 ToDecimal(BsonValue value) => value switch
    {
        BsonInt32 integer => new Decimal128(integer.Value),
        BsonInt64 integer => new Decimal128(integer.Value),
        BsonDecimal128 number => number.Value,
        _ => DecimalMath.FromDouble(ToDouble(value))
    };

    /// <summary>A whole number in a request, whatever its type.</summary>
    public static long ToInteger(BsonValue value, string field) => value switch
    {
        BsonInt32 integer => integer.Value,
        BsonInt64 integer => integer.Value,
        BsonDouble real when Math.Truncate(real.Value) == real.Value && Math.Abs(real.Value) < 9e18 => (long)real.Value,
        BsonDecimal128 number when Math.Truncate(ToDouble(number)) == ToDouble(number) && Math.Abs(ToDouble(number)) < 9e18 => (long)ToDouble(number),
        _ => throw (TypeOrder.IsNumber(value) ? MongoRefusal.BadValue($"'{field}' must be a whole number")
            : MongoRefusal.TypeMismatch($"BSON field '{field}' is the wrong type '{TypeOrder.Name(value)}', expected a number"))
    };

    /// <summary>The wider type wins (int, long, double, decimal); a sum of ints that does not fit becomes a long, of longs a double.</summary>
    private static BsonValue Calculate(BsonValue left, BsonValue right, Func<Decimal128, Decimal128, Decimal128> decimals, Func<double, double, double> doubles, Func<Int128, Int128, Int128> integers)
    {
        if (left is BsonDecimal128 || right is BsonDecimal128) return new BsonDecimal128(decimals(ToDecimal(left), ToDecimal(right)));
        if (left is BsonDouble || right is BsonDouble) return new BsonDouble(doubles(ToDouble(left), ToDouble(right)));
        var result = integers(left.ToInt64(), right.ToInt64());
        if (left is BsonInt32 && right is BsonInt32 && result >= int.MinValue && result <= int.MaxValue) return new BsonInt32((int)result);
        return result >= long.MinValue && result <= long.MaxValue ? new BsonInt64((long)result) : new BsonDouble((double)result);
    }
}
