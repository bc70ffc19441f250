namespace Shop.Local.Mongo.Queries;

/// <summary>Chooses the index: most equal leading fields first, then one that also yields the order, then one that narrows at all.</summary>
internal static class Planner
{
    public static Plan Choose(Collection collection, Filter filter, SortOrder? sort, BsonValue? hint)
    {
        if (hint is BsonDocument { ElementCount: 1 } natural && natural.GetElement(0).Name == "$natural") return Plan.Everything;
        if (hint is null && filter.IdKey is { } id) return new Plan(collection.IdIndex, [Interval.Point(id)], false, sort is not null, 1, 1);
        var bounds = FieldBounds.Of(filter);
        if (hint is not null)
            return PlanFor(collection.IndexOf(hint) ?? throw MongoRefusal.BadValue("error processing query: planner returned error: hint provided does not correspond to an existing index"), bounds, sort);
        // Nothing is narrower than a list of identifiers; their places in the index are the identifiers themselves.
        if (bounds.For("_id", false) is { } ids && ids.TrueForAll(interval => interval.IsPoint))
            return sort is null ? new Plan(collection.IdIndex, ids, false, false, 0, 1) : PlanFor(collection.IdIndex, bounds, sort);
        var best = Plan.Everything;
        var worth = 0;
        foreach (var plan in collection.Indexes.Select(index => PlanFor(index, bounds, sort)).Where(plan => plan.Bounded > 0 || plan.Sorted))
            if (Worth(plan) > worth) (best, worth) = (plan, Worth(plan));
        return best;
    }

    private static int Worth(Plan plan) => 1 + plan.EqualFields * 10 + (plan.Sorted ? 6 : 0) + (plan.Bounded > plan.EqualFields ? 4 : 0);

    private static Plan PlanFor(OrderedIndex index, FieldBounds bounds, SortOrder? sort)
    {
        var definition = index.Definition;
        var writer = new KeyWriter();
        var equal = 0;
        while (equal < definition.Paths.Length && IntervalsOf(index, bounds, equal) is [{ IsPoint: true } point])
        {
            writer.Raw(definition.Descending[equal] ? Plan.Complement(point.Low.Bytes) : point.Low.Bytes);
            equal++;
            if (index.Multikey) break;
        }
        List<Interval> intervals = [Interval.Everything];
        var bounded = equal;
        if (equal < definition.Paths.Length && !(index.Multikey && equal > 0) && IntervalsOf(index, bounds, equal) is { } narrowing)
            (intervals, bounded) = (narrowing, equal + 1);
        var ranges = Plan.RangesOf(writer.ToArray(), intervals, equal < definition.Paths.Length && definition.Descending[equal]);
        // Of a list of values each has its stretch of the next field.
        if (intervals.Count > 1 && !index.Multikey && bounded < definition.Paths.Length && ranges.TrueForAll(range => range.IsPoint) && IntervalsOf(index, bounds, bounded) is { } within)
            (ranges, bounded) = ([.. ranges.SelectMany(range => Plan.RangesOf(range.Low.Bytes, within, definition.Descending[bounded]))], bounded + 1);
        var direction = sort is null || index.Multikey ? null : DirectionFor(definition, sort, equal);
        return new Plan(index, ranges, direction ?? false, direction is not null, equal, bounded);
    }
    private static List<Interval>? IntervalsOf(OrderedIndex index, FieldBounds bounds, int field) =>
        bounds.For(index.Definition.Paths[field].Text, index.Multikey);

    /// <summary>Whether a walk must go backward to yield the order, or null when it cannot yield it.</summary>
    private static bool? DirectionFor(IndexDefinition definition, SortOrder sort, int equal)
    {
        bool? backward = null;
        var field = equal;
        foreach (var (path, descending) in sort.Fields)
        {
            // A field with one value is in any order.
            if (definition.Paths[..equal].Any(one => one.Text == path.Text)) continue;
            if (field >= definition.Paths.Length || definition.Paths[field].Text != path.Text) return null;
            var reversed = definition.Descending[field] != descending;
            if (backward is not null && backward != reversed) return null;
            backward = reversed;
            field++;
        }
        return backward ?? false;
    }
}
