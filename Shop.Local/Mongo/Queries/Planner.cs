namespace Shop.Local.Mongo.Queries;

/// <summary>Chooses the index: most equal leading fields first, then one that also yields the order, then one that narrows at all.</summary>
internal static class Planner
{
    public static Plan Choose(Collection collection, Filter filter, SortOrder? sort, BsonValue? hint)
    {
        if (hint is BsonDocument { ElementCount: 1 } natural && natural.GetElement(0).Name == "$natural") return Plan.Everything;
        var bounds = FieldBounds.Of(filter);
        var candidates = (hint is null ? collection.Indexes : [Hinted(collection, hint)]).Select(index => PlanFor(index, bounds, sort)).ToList();
        if (candidates.Find(plan => plan.IsIdLookup) is { } lookup) return lookup;
        Plan? best = null;
        foreach (var plan in candidates)
            if ((hint is not null || plan.Bounded > 0 || plan.Sorted) && Worth(plan) > (best is null ? 0 : Worth(best))) best = plan;
        return best ?? (hint is null ? Plan.Everything : candidates[0]);
    }

    private static int Worth(Plan plan) => 1 + plan.EqualFields * 10 + (plan.Sorted ? 6 : 0) + (plan.Bounded > plan.EqualFields ? 4 : 0);
    private static OrderedIndex Hinted(Collection collection, BsonValue hint) => collection.Indexes.Find(index =>
        hint is BsonString name ? index.Definition.Name == name.Value : hint is BsonDocument key && index.Definition.SameKey(key))
        ?? throw MongoRefusal.BadValue("error processing query: planner returned error: hint provided does not correspond to an existing index");

    private static Plan PlanFor(OrderedIndex index, FieldBounds bounds, SortOrder? sort)
    {
        var definition = index.Definition;
        var writer = new KeyWriter();
        var equal = 0;
        while (equal < definition.Paths.Length && IntervalsOf(index, bounds, equal) is [{ IsPoint: true } point])
        {
            writer.WriteRaw(Directed(point.Low.Bytes, definition.Descending[equal]));
            equal++;
            if (index.Multikey) break;
        }
        List<Interval> intervals = [Interval.Everything];
        var bounded = equal;
        if (equal < definition.Paths.Length && !(index.Multikey && equal > 0) && IntervalsOf(index, bounds, equal) is { } narrowing)
            (intervals, bounded) = (narrowing, equal + 1);
        var ranges = Plan.RangesOf(writer.ToArray(), intervals, equal < definition.Paths.Length && definition.Descending[equal]);
        var direction = sort is null || index.Multikey ? null : DirectionFor(definition, bounds, index, sort, equal);
        return new Plan(index, ranges, direction ?? false, direction is not null, equal, bounded);
    }

    private static List<Interval>? IntervalsOf(OrderedIndex index, FieldBounds bounds, int field) =>
        bounds.For(string.Join('.', index.Definition.Paths[field]), index.Multikey);
    private static byte[] Directed(byte[] key, bool descending) => descending ? [.. key.Select(value => (byte)~value)] : key;
    /// <summary>Whether a walk must go backward to yield the order, or null when it cannot yield it.</summary>
    private static bool? DirectionFor(IndexDefinition definition, FieldBounds bounds, OrderedIndex index, SortOrder sort, int equal)
    {
        bool? backward = null;
        var field = equal;
        foreach (var (path, _, descending) in sort.Fields)
        {
            // A field with one value is in any order.
            if (bounds.For(path, false) is [{ IsPoint: true }] && !index.Multikey && Fixed(definition, path, equal)) continue;
            if (field >= definition.Paths.Length || !string.Equals(definition.Key.GetElement(field).Name, path, StringComparison.Ordinal))
                return null;
            var reversed = definition.Descending[field] != descending;
            if (backward is not null && backward != reversed) return null;
            backward = reversed;
            field++;
        }
        return backward ?? false;
    }

    private static bool Fixed(IndexDefinition definition, string path, int equal)
    {
        for (var i = 0; i < equal; i++) if (definition.Key.GetElement(i).Name == path) return true;
        return false;
    }
}
