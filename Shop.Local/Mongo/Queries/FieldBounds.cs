namespace Shop.Local.Mongo.Queries;

/// <summary>
/// What a filter implies for single fields: every match lies in one of a field's intervals. Only an implication, the filter is still
/// applied to what is found. For <c>$or</c> it is the hull of the branches, which is what makes a keyset condition
/// (<c>date &lt; d or date = d and id &lt; i</c>) a seek.
/// </summary>
internal sealed class FieldBounds
{
    private const int MaxPoints = 5_000;
    private readonly Dictionary<string, List<Interval>> fields = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Interval>> first = new(StringComparer.Ordinal);

    public static FieldBounds Of(Filter filter)
    {
        var bounds = new FieldBounds();
        bounds.Add(filter);
        return bounds;
    }

    /// <param name="path">The field.</param>
    /// <param name="multikey">In arrays different elements may meet different conditions, so only one condition can be used.</param>
    public List<Interval>? For(string path, bool multikey) => (multikey ? first : fields).GetValueOrDefault(path);

    private void Add(Filter filter)
    {
        switch (filter)
        {
            case AllOf all:
                foreach (var part in all.Parts) Add(part);
                break;
            case AnyOf any: AddHull([.. any.Parts.Select(Of)]); break;
            case FieldFilter field when IntervalsOf(field.Condition) is { } intervals: Narrow(field.Path.Text, intervals); break;
        }
    }

    private static List<Interval>? IntervalsOf(Condition condition) => condition switch
    {
        Compared compared => Interval.Of(compared) is { } interval ? [interval] : null,
        // One element meets all of it, so its conditions narrow together also where the index is multikey.
        ElementMatches { Condition: Every { Parts: var parts } } when parts.All(part => part is Compared) =>
            parts.Select(part => Interval.Of((Compared)part)).OfType<Interval>().ToList() is [_, ..] several ? [several.Aggregate((left, right) => left.Intersect(right))] : null,
        OneOf { Patterns.Count: 0 } oneOf when oneOf.Operands.Count <= MaxPoints && oneOf.Operands.All(operand => Interval.IsSeekable(operand.Type)) =>
            [.. oneOf.Keys.Order(ByteKeys.Instance).Select(Interval.Point)],
        _ => null
    };

    private void AddHull(IReadOnlyList<FieldBounds> branches)
    {
        foreach (var path in branches[0].fields.Keys)
            if (branches.All(branch => branch.fields.TryGetValue(path, out var intervals) && intervals.Count > 0))
                // The branches' single conditions, so that the hull also holds for arrays.
                Narrow(path, [branches.SelectMany(branch => branch.first[path]).Aggregate((left, right) => left.Hull(right))]);
    }

    private void Narrow(string path, List<Interval> intervals)
    {
        if (!fields.TryGetValue(path, out var known))
        {
            fields[path] = first[path] = intervals;
            return;
        }
        if (intervals is [{ IsPoint: true }] && first[path] is not ([] or [{ IsPoint: true }])) first[path] = intervals;
        fields[path] = [.. from left in known from right in intervals let both = left.Intersect(right) where Interval.Order(both.Low, both.High) < 0 select both];
    }
}
