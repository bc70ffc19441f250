namespace Shop.Local.Mongo.Queries;

/// <summary>How the records for a query are found.</summary>
/// <param name="Index">The index to walk; null walks the whole collection in natural order.</param>
/// <param name="Ranges">The stretches of the index, in its order, disjoint.</param>
/// <param name="Backward">Whether to walk from the end.</param>
/// <param name="Sorted">Whether the walk yields the order that was asked for.</param>
/// <param name="EqualFields">Leading fields fixed to one value, for choosing between indexes.</param>
/// <param name="Bounded">Fields that narrow the walk.</param>
internal sealed record Plan(OrderedIndex? Index, IReadOnlyList<Interval> Ranges, bool Backward, bool Sorted, int EqualFields, int Bounded)
{
    public static Plan Everything { get; } = new(null, [Interval.Everything], false, false, 0, 0);
    /// <summary>Whether at most one record is looked at.</summary>
    public bool IsIdLookup => Index is { Definition.IsId: true } && Ranges is [{ IsPoint: true }];
    public string Stage => IsIdLookup ? "IDHACK" : Index is null ? "COLLSCAN" : "IXSCAN";
    /// <summary>The bounds of a compound index: a shared prefix of equal fields, then one field's intervals, complemented where the index descends.</summary>
    public static List<Interval> RangesOf(byte[] prefix, IEnumerable<Interval> intervals, bool descending)
    {
        var ranges = intervals.Select(interval => descending ? new Interval(Complement(interval.High), Complement(interval.Low))
            : interval).Select(interval => new Interval(Within(prefix, interval.Low), Within(prefix, interval.High)));
        return [.. descending ? ranges.Reverse() : ranges];
    }

    public static byte[] Complement(byte[] key) => [.. key.Select(value => (byte)~value)];

    /// <summary>A place before all that begins with x becomes, complemented, the place after all that begins with not x.</summary>
    private static Bound Complement(Bound bound) => new(Complement(bound.Bytes), !bound.After);

    private static Bound Within(byte[] prefix, Bound bound) => new([.. prefix, .. bound.Bytes], bound.After);
}
