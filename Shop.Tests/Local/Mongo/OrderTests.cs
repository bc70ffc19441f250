using MongoDB.Bson;
using Shop.Local.Mongo.Documents;

namespace Shop.Tests.Local.Mongo;

/// <summary>The order of values: MongoDB manual, "Comparison/Sort Order".</summary>
public sealed class OrderTests
{
    private static readonly BsonValue[] Ascending =
    [
        BsonMinKey.Value, BsonUndefined.Value, BsonNull.Value,
        double.NaN, double.NegativeInfinity, -1e300, long.MinValue, -2, -1.5, new BsonDecimal128(Decimal128.Parse("-1E-6000")), 0, double.Epsilon, 0.1, new BsonDecimal128(Decimal128.Parse("0.2")), 1, 1.5, 2L,
        9007199254740992.0, 9007199254740993L, long.MaxValue, 9223372036854775808.0, new BsonDecimal128(Decimal128.Parse("9223372036854775808.5")), 1e300, new BsonDecimal128(Decimal128.Parse("1E6000")), double.PositiveInfinity,
        "", "\0", "\0a", "A", "a", "a\0", "aa", "b", "\uFFFF", "\U0001F600",
        new BsonDocument(), new BsonDocument("b", 1), new BsonDocument("b", 2), new BsonDocument { { "b", 2 }, { "a", 1 } }, new BsonDocument("a", "x"),
        new BsonArray(), new BsonArray { 1 }, new BsonArray { 1, 1 }, new BsonArray { 2 }, new BsonArray { "a" },
        new BsonBinaryData([9]), new BsonBinaryData([1, 1]), ObjectId.Parse("000000000000000000000001"), false, true,
        new BsonDateTime(-1), new BsonDateTime(0), new BsonTimestamp(1, 1), new BsonRegularExpression("a"), BsonMaxKey.Value
    ];

    [Fact]
    public void Values_of_all_types_have_one_order()
    {
        for (var i = 0; i < Ascending.Length; i++)
            for (var j = 0; j < Ascending.Length; j++)
            {
                Assert.True(Math.Sign(Values.Compare(Ascending[i], Ascending[j])) == i.CompareTo(j), $"{Ascending[i]} and {Ascending[j]}");
                var descending = new KeyWriter().Write(RawValue.Of(Ascending[i]), true).ToArray().AsSpan().SequenceCompareTo(new KeyWriter().Write(RawValue.Of(Ascending[j]), true).ToArray());
                Assert.True(Math.Sign(descending) == -i.CompareTo(j), $"{Ascending[i]} and {Ascending[j]} descending");
            }
    }

    [Fact]
    public void Equal_numbers_of_different_types_are_one_key()
    {
        BsonValue[] threes = [3, 3L, 3.0, new BsonDecimal128(3m), new BsonDecimal128(Decimal128.Parse("3.000")), new BsonDecimal128(Decimal128.Parse("0.3E1"))];
        Assert.All(threes, three => Assert.Equal(KeyWriter.Of((BsonValue)(3)), KeyWriter.Of(three)));
        Assert.Equal(KeyWriter.Of((BsonValue)(0)), KeyWriter.Of((BsonValue)(-0.0)));
        Assert.NotEqual(KeyWriter.Of((BsonValue)(0.1)), KeyWriter.Of(new BsonDecimal128(0.1m)));
    }

    [Theory]
    [InlineData("1", "3", "0.3333333333333333333333333333333333")]
    [InlineData("2", "3", "0.6666666666666666666666666666666667")]
    [InlineData("46.00", "2", "23.00")]
    [InlineData("10", "4", "2.5")]
    public void Decimal128_divides_with_34_digits_half_to_even(string left, string right, string quotient) =>
        Assert.Equal(quotient, DecimalMath.Divide(Decimal128.Parse(left), Decimal128.Parse(right)).ToString());

    [Fact]
    public void Decimal128_rounds_to_34_digits() =>
        Assert.Equal(Decimal128.Parse("1.000000000000000000000000000000000E+34"), DecimalMath.Add(Decimal128.Parse("9999999999999999999999999999999999"), Decimal128.Parse("1")));
}
