namespace Shop.Local.Mongo.Queries;

/// <summary>A stretch of one field's ascending key bytes. What a query implies for a field is such a stretch or several points.</summary>
internal readonly record struct Interval(Bound Low, Bound High)
{
    public static readonly Interval Everything = new(Bound.Start, Bound.End);
    public bool IsPoint => !Low.After && High.After && Low.Bytes.AsSpan().SequenceEqual(High.Bytes) && Low.Bytes.Length > 0;

    public static Interval Point(byte[] key) => new(new(key, false), new(key, true));

    /// <summary>Whether an index can find what equals a value: the extremes reach over types, arrays are indexed by their elements.</summary>
    public static bool IsSeekable(BsonType type) => type is not (BsonType.Array or BsonType.MinKey or BsonType.MaxKey or BsonType.Undefined);

    /// <summary>Null when an index cannot say it; NaN follows rules of its own.</summary>
    public static Interval? Of(Compared compared)
    {
        var operand = compared.Operand;
        if (!IsSeekable(operand.Type) || Values.IsNaN(operand) && compared.Comparison != Comparison.Equal) return null;
        var key = compared.Key;
        byte[] type = [TypeOrder.Of(operand.Type)];
        return compared.Comparison switch
        {
            Comparison.Equal => Point(key),
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
