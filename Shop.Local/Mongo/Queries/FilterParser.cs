using Shop.Local.Mongo.Aggregation;

namespace Shop.Local.Mongo.Queries;

/// <summary>From a query document to a <see cref="Filter"/>; refuses unknown operators as MongoDB does, also when no document would be looked at.</summary>
internal static class FilterParser
{
    public static Filter Parse(BsonDocument query)
    {
        var parts = new List<Filter>();
        foreach (var element in query)
            switch (element.Name)
            {
                case "$and": parts.AddRange(Branches(element)); break;
                case "$or": parts.Add(new AnyOf(Branches(element))); break;
                case "$nor": parts.Add(new NoneOf(Branches(element))); break;
                case "$expr": parts.Add(new ExpressionFilter(ExpressionParser.Parse(element.Value))); break;
                case "$comment": break;
                case var name when name.StartsWith('$'): throw MongoRefusal.BadValue($"unknown top level operator: {name}");
                default: AddField(parts, element); break;
            }
        return parts.Count == 1 ? parts[0] : new AllOf(parts);
    }

    /// <summary>Whether a value in a query means operators rather than itself.</summary>
    public static bool IsOperators(BsonValue value) =>
        value is BsonDocument { ElementCount: > 0 } document && document.GetElement(0).Name is { Length: > 0 } name && name[0] == '$' && name is not ("$ref" or "$id" or "$db");

    /// <summary>Conditions on one value, as <c>$pull</c> and <c>$elemMatch</c> take them.</summary>
    public static Condition ParseCondition(BsonValue value)
    {
        if (value is BsonRegularExpression regex) return PatternMatch.Parse(regex.Pattern, regex.Options);
        if (!IsOperators(value)) return new Compared(Comparison.Equal, Operand(value));
        var operators = value.AsBsonDocument;
        var parts = operators.Where(element => element.Name != "$options").Select(element => Operator(element, operators)).ToList();
        return parts.Count == 1 ? parts[0] : new Every(parts);
    }

    private static void AddField(List<Filter> parts, BsonElement element)
    {
        if (element.Name.AsSpan().Count('.') >= DocumentPath.MaxParts) throw MongoRefusal.BadValue("a field path is too long");
        if (ParseCondition(element.Value) is Every every)
            parts.AddRange(every.Parts.Select(part => new FieldFilter(element.Name, part)));
        else parts.Add(new FieldFilter(element.Name, ParseCondition(element.Value)));
    }

    private static List<Filter> Branches(BsonElement element)
    {
        if (element.Value is not BsonArray { Count: > 0 } array)
            throw MongoRefusal.BadValue($"{element.Name} argument must be a nonempty array");
        return [.. array.Select(entry => entry is BsonDocument branch ? Parse(branch) : throw MongoRefusal.BadValue($"{element.Name} entries need to be full objects"))];
    }

    private static Condition Operator(BsonElement element, BsonDocument all) => element.Name switch
    {
        "$eq" => new Compared(Comparison.Equal, NoRegex(element)),
        "$ne" => new Not(new Compared(Comparison.Equal, NoRegex(element))),
        "$lt" => new Compared(Comparison.Less, NoRegex(element)),
        "$lte" => new Compared(Comparison.LessOrEqual, NoRegex(element)),
        "$gt" => new Compared(Comparison.Greater, NoRegex(element)),
        "$gte" => new Compared(Comparison.GreaterOrEqual, NoRegex(element)),
        "$in" => In(element),
        "$nin" => new Not(In(element)),
        "$not" => Negation(element.Value),
        "$exists" => new Exists(Values.IsTrue(element.Value)),
        "$regex" => Pattern(element.Value, all),
        "$size" => new SizeIs(Size(element.Value)),
        "$all" => All(element.Value),
        "$elemMatch" => ElementMatch(element.Value),
        _ => throw MongoRefusal.BadValue($"unknown operator: {element.Name}")
    };

    private static BsonValue NoRegex(BsonElement element) => element.Value is BsonRegularExpression
        ? throw MongoRefusal.BadValue($"Can't have RegEx as arg to predicate over field '{element.Name}'.") : Operand(element.Value);

    private static BsonValue Operand(BsonValue value) => value is BsonUndefined ? throw MongoRefusal.BadValue("cannot compare to undefined") : value;

    private static OneOf In(BsonElement element)
    {
        if (element.Value is not BsonArray array) throw MongoRefusal.BadValue($"{element.Name} needs an array");
        if (array.FirstOrDefault(IsOperators) is not null) throw MongoRefusal.BadValue($"cannot nest $ under {element.Name}");
        return new OneOf([.. array.Where(value => value is not BsonRegularExpression)],
            [.. array.OfType<BsonRegularExpression>().Select(regex => PatternMatch.Parse(regex.Pattern, regex.Options))]);
    }

    private static Not Negation(BsonValue value) => value is BsonRegularExpression || IsOperators(value) ? new Not(ParseCondition(value))
        : throw MongoRefusal.BadValue("$not needs a regex or a document");

    private static PatternMatch Pattern(BsonValue value, BsonDocument all)
    {
        var options = all.TryGetValue("$options", out var given) && given is BsonString text ? text.Value : null;
        return value switch
        {
            BsonString pattern => PatternMatch.Parse(pattern.Value, options ?? ""),
            BsonRegularExpression regex => PatternMatch.Parse(regex.Pattern, options ?? regex.Options),
            _ => throw MongoRefusal.BadValue("$regex has to be a string")
        };
    }

    private static long Size(BsonValue value) => Values.ToInteger(value, "$size") is >= 0 and var size ? size : throw MongoRefusal.BadValue("$size may not be negative");

    private static Condition All(BsonValue value)
    {
        if (value is not BsonArray array) throw MongoRefusal.BadValue("$all needs an array");
        // Nothing contains all of nothing.
        return array.Count == 0 ? new OneOf([], []) : new Every([.. array.Select(ParseCondition)]);
    }

    private static ElementMatches ElementMatch(BsonValue value)
    {
        if (value is not BsonDocument document) throw MongoRefusal.BadValue("$elemMatch needs an Object");
        var onDocuments = !IsOperators(document) || document.GetElement(0).Name is "$and" or "$or" or "$nor" or "$expr";
        return onDocuments ? new ElementMatches(Parse(document), null) : new ElementMatches(null, ParseCondition(document));
    }
}
