namespace Shop.Local.Mongo.Queries;

/// <summary>A stretch of one field's ascending key bytes. What a query implies for a field is such a stretch or several points.</summary>
internal readonly record struct Interval(Bound Low, Bound High)
{
    public static readonly Interval Everything = new(Bound.Start, Bound.End);
    public bool IsPoint => !Low.After && High.After && Low.Bytes.AsSpan().SequenceEqual(High.Bytes) && Low.Bytes.Length > 0;

    public static Interval Point(BsonValue value)
    {
        var key = KeyWriter.Of(value);
        return new(new(key, false), new(key, true));
    }

    /// <summary>Null when an index cannot say it: the extremes reach over types, arrays and NaN follow rules of their own.</summary>
    public static Interval? Of(Compared compared)
    {
        var operand = compared.Operand;
        if (operand is BsonArray or BsonMinKey or BsonMaxKey or BsonUndefined || Values.IsNaN(operand) && compared.Comparison != Comparison.Equal)
            return null;
        if (compared.Comparison == Comparison.Equal) return Point(operand);
        var key = KeyWriter.Of(operand);
        byte[] type = [TypeOrder.Of(operand)];
        return compared.Comparison switch
        {
            Comparison.Less => new(new(type, false), new(key, false)),
            Comparison.LessOrEqual => new(new(type, false), new(key, true)),
            Comparison.Greater => new(new(key, true), new(type, true)),
            _ => new(new(key, false), new(type, true))
        };
    }

    public Interval Intersect(Interval other) => new(Order(Low, other.Low) >= 0 ? Low : other.Low, Order(High, other.High) <= 0 ? High : other.High);
    public Interval Hull(Interval other) => new(Order(Low, other.Low) <= 0 ? Low : other.Low, Order(High, other.High) >= 0 ? High : other.High);

    public static int Order(Bound left, Bound right)
    {
        if (left.Bytes.AsSpan().SequenceEqual(right.Bytes)) return left.After.CompareTo(right.After);
        if (left.After && right.Bytes.AsSpan().StartsWith(left.Bytes)) return 1;
        if (right.After && left.Bytes.AsSpan().StartsWith(right.Bytes)) return -1;
        return left.Bytes.AsSpan().SequenceCompareTo(right.Bytes);
    }
}
