using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Aggregation;

internal delegate IEnumerable<BsonDocument> Stage(IEnumerable<BsonDocument> input);

/// <summary>An aggregation: what its first stages ask of the collection, which can use an index, and the stages that follow in memory.</summary>
internal sealed record Pipeline(Query Source, IReadOnlyList<Stage> Stages, IReadOnlySet<string>? Fields)
{
    public static Pipeline Parse(BsonArray stages, BsonValue? hint)
    {
        var rest = ElementsOf(stages);
        var all = rest.ConvertAll(StageOf);
        var taken = 0;
        Filter filter = new AllOf([]);
        SortOrder? sort = null;
        long skip = 0, limit = 0;
        if (rest.ElementAtOrDefault(taken) is { Name: "$match" } match)
            (filter, taken) = (FilterParser.Parse(match.Value.AsBsonDocument), taken + 1);
        if (rest.ElementAtOrDefault(taken) is { Name: "$sort" } order)
            (sort, taken) = (SortOrder.Parse(order.Value.AsBsonDocument), taken + 1);
        if (rest.ElementAtOrDefault(taken) is { Name: "$skip" } skipped)
            (skip, taken) = (Values.ToInteger(skipped.Value, "$skip"), taken + 1);
        if (rest.ElementAtOrDefault(taken) is { Name: "$limit" } limited)
            (limit, taken) = (Values.ToInteger(limited.Value, "$limit"), taken + 1);
        return new Pipeline(new Query(filter, sort, skip, limit, hint), all[taken..], FieldsOf(rest[taken..]));
    }

    public IEnumerable<byte[]> Run(IEnumerable<byte[]> found) => Stages.Count == 0 ? found
        : Stages.Aggregate(found.Select(bytes => RawValue.Document(bytes).ToDocument(Fields)), (input, stage) => stage(input)).Select(document => document.ToBson());

    /// <summary>The stages that an update with a pipeline may have.</summary>
    public static Func<BsonDocument, BsonDocument> ParseUpdate(BsonArray stages)
    {
        var elements = ElementsOf(stages);
        if (elements.FirstOrDefault(stage => stage.Name is not ("$set" or "$addFields" or "$unset" or "$project" or "$replaceRoot" or "$replaceWith")) is { Name: { } other })
            throw MongoRefusal.InvalidOptions($"{other} is not allowed to be used within an update");
        var parsed = elements.ConvertAll(StageOf);
        return document => parsed.Aggregate((IEnumerable<BsonDocument>)[document], (input, stage) => stage(input)).Single();
    }

    private static List<BsonElement> ElementsOf(BsonArray stages) => [.. stages.Select(stage => stage is BsonDocument { ElementCount: 1 } document ? document.GetElement(0)
        : throw MongoRefusal.Location(40323, "A pipeline stage specification object must contain exactly one field."))];

    /// <summary>The fields that are looked at until a <c>$group</c> or <c>$count</c> makes other documents; null when it may be all.</summary>
    private static HashSet<string>? FieldsOf(IEnumerable<BsonElement> stages)
    {
        var fields = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, value) in stages.Select(stage => (stage.Name, stage.Value)))
        {
            var paths = name switch
            {
                "$match" or "$sort" => ((BsonDocument)value).Names,
                "$unwind" or "$group" => Strings(value).Where(text => text.StartsWith('$')).Select(text => text[1..]),
                "$limit" or "$skip" or "$count" => [],
                _ => null
            };
            // A further dollar means an operator or a variable, which may mean any field.
            if (paths is null || paths.Any(path => path.StartsWith('$'))) return null;
            fields.UnionWith(paths.Select(path => path.Split('.')[0]));
            if (name is "$group" or "$count") return fields;
        }
        return null;
    }

    private static IEnumerable<string> Strings(BsonValue value) => value switch
    {
        BsonString text => [text.Value],
        BsonDocument document => document.Values.SelectMany(Strings),
        BsonArray array => array.SelectMany(Strings),
        _ => []
    };

    private static Stage StageOf(BsonElement element)
    {
        var value = element.Value;
        switch (element.Name)
        {
            case "$match":
                var filter = FilterParser.Parse(value as BsonDocument ?? throw MongoRefusal.Location(15959, "the match filter must be an expression in an object"));
                return input => input.Where(document => filter.Matches(RawValue.Of(document)));
            case "$sort":
                var sort = SortOrder.Parse(value is BsonDocument { ElementCount: > 0 } keys ? keys : throw MongoRefusal.Location(15976, "$sort stage must have at least one sort key"));
                return input => sort.Apply(input, document => RawValue.Of(document));
            case "$limit":
                var limit = Values.ToInteger(value, "$limit") is > 0 and var count ? count : throw MongoRefusal.Location(15958, "the limit must be positive");
                return input => input.Take((int)Math.Min(limit, int.MaxValue));
            case "$skip":
                var skip = Values.ToInteger(value, "$skip") is >= 0 and var number ? number : throw MongoRefusal.Location(5107200, "$skip must be non-negative");
                return input => input.Skip((int)Math.Min(skip, int.MaxValue));
            case "$project":
                var projection = Projection.Parse(value as BsonDocument);
                return input => input.Select(projection.Apply);
            case "$set" or "$addFields":
                var assignment = Assignment.Parse(value, element.Name);
                return input => input.Select(assignment.Apply);
            case "$unset":
                var names = (value as BsonArray ?? [value]).Select(name => name is BsonString text ? text.Value
                    : throw MongoRefusal.Location(31120, "$unset specification must be a string or an array of strings"));
                var exclusion = Projection.Parse(new BsonDocument(names.Distinct().Select(name => new BsonElement(name, 0))));
                return input => input.Select(exclusion.Apply);
            case "$replaceWith": return ReplaceRoot(value);
            case "$replaceRoot":
                return ReplaceRoot(value is BsonDocument root && root.TryGetValue("newRoot", out var inner) ? inner
                    : throw MongoRefusal.Location(40231, "no newRoot specified for the $replaceRoot stage"));
            case "$count": return Count(value);
            case "$group": return Grouping.Parse(value);
            case "$unwind": return Unwinding.Parse(value);
            case "$changeStream": throw MongoRefusal.Location(40573, "The $changeStream stage is only supported on replica sets");
            default: throw MongoRefusal.Location(40324, $"Unrecognized pipeline stage name: '{element.Name}'");
        }
    }

    private static Stage ReplaceRoot(BsonValue value)
    {
        var expression = ExpressionParser.Parse(value);
        return input => input.Select(document => expression(new Scope(document)) as BsonDocument
            ?? throw MongoRefusal.Location(40228, "'newRoot' expression must evaluate to an object"));
    }

    private static Stage Count(BsonValue value)
    {
        if (value is not BsonString { Value: [not '$', ..] } name || name.Value.Contains('.', StringComparison.Ordinal))
            throw MongoRefusal.Location(40156, "the count field must be a non-empty string without '$' and '.'");
        return input => Counted(input, name.Value);

        static IEnumerable<BsonDocument> Counted(IEnumerable<BsonDocument> input, string name)
        {
            if (input.LongCount() is > 0 and var count) yield return new BsonDocument(name, count <= int.MaxValue ? (int)count : count);
        }
    }
}
