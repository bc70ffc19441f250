using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Updates;

/// <summary>The <c>arrayFilters</c> of an update by their identifiers.</summary>
internal sealed class ArrayFilters
{
    private readonly Dictionary<string, Filter> filters = new(StringComparer.Ordinal);

    public static ArrayFilters Parse(BsonArray? specification)
    {
        var parsed = new ArrayFilters();
        foreach (var entry in specification ?? [])
        {
            if (entry is not BsonDocument { ElementCount: > 0 } document)
                throw MongoRefusal.FailedToParse("Cannot use an expression without a top-level field name in arrayFilters");
            var names = Identifiers(document).Distinct(StringComparer.Ordinal).ToArray();
            if (names.Length != 1)
                throw MongoRefusal.FailedToParse($"Error parsing array filter :: caused by :: Expected a single top-level field name, found {string.Join(" and ", names)}");
            if (!parsed.filters.TryAdd(names[0], FilterParser.Parse(document)))
                throw MongoRefusal.FailedToParse($"Found multiple array filters with the same top-level field name {names[0]}");
        }
        return parsed;
    }

    public bool Accepts(string identifier, BsonValue element, string path) => filters.TryGetValue(identifier, out var filter)
        ? filter.Matches(RawValue.Of(new BsonDocument(identifier, element))) : throw Missing(identifier, path);

    public void RefuseUnused(IEnumerable<string> parts, BsonValue update)
    {
        var used = parts.Where(IsIdentifier).Select(part => part[2..^1]).ToHashSet(StringComparer.Ordinal);
        if (filters.Keys.FirstOrDefault(name => !used.Contains(name)) is { } unused)
            throw MongoRefusal.FailedToParse($"The array filter for identifier '{unused}' was not used in the update {update.ToJson()}");
        if (used.FirstOrDefault(name => name.Length > 0 && !filters.ContainsKey(name)) is { } missing)
            throw Missing(missing, update.ToJson());
    }

    public static bool IsIdentifier(string part) => part is ['$', '[', .., ']'];
    private static MongoRefusal Missing(string identifier, string path) => MongoRefusal.BadValue($"No array filter found for identifier '{identifier}' in path '{path}'");

    private static IEnumerable<string> Identifiers(BsonDocument document) => document.SelectMany(element => element.Name is ['$', ..] && element.Value is BsonArray branches
        ? branches.OfType<BsonDocument>().SelectMany(Identifiers) : [element.Name.Split('.')[0]]);
}
