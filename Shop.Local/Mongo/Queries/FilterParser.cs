using System.Text;
using Shop.Local.Mongo.Aggregation;

namespace Shop.Local.Mongo.Queries;

/// <summary>From a query document to a <see cref="Filter"/>; refuses unknown operators as MongoDB does, also when no document would be looked at.</summary>
internal static class FilterParser
{
    public static Filter Parse(BsonDocument query) => Parse(RawValue.Of(query));

    /// <summary>The filter may keep parts of the query's bytes.</summary>
    public static Filter Parse(RawValue query)
    {
        var parts = new List<Filter>();
        foreach (var element in query)
            if (element.IsOperator) AddOperator(parts, element);
            else AddField(parts, element);
        return parts.Count == 1 ? parts[0] : new AllOf(parts);
    }

    /// <summary>Whether a value in a query means operators rather than itself.</summary>
    public static bool IsOperators(RawValue value) =>
        value.IsDocument && value.TryFirst(out var first) && first.IsOperator && first.Text is not ("$ref" or "$id" or "$db");

    /// <summary>Conditions on one value, as <c>$pull</c> and <c>$elemMatch</c> take them.</summary>
    public static Condition ParseCondition(RawValue value)
    {
        if (value.Type == BsonType.RegularExpression) return PatternMatch.Parse(value);
        if (!IsOperators(value)) return new Compared(Comparison.Equal, Operand(value));
        var parts = new List<Condition>();
        foreach (var element in value) if (!element.Name.SequenceEqual("$options"u8)) parts.Add(Operator(element, value));
        return parts.Count == 1 ? parts[0] : new Every(parts);
    }

    private static void AddOperator(List<Filter> parts, RawElement element)
    {
        switch (element.Text)
        {
            case "$and": parts.AddRange(Branches(element)); break;
            case "$or": parts.Add(new AnyOf(Branches(element))); break;
            case "$nor": parts.Add(new NoneOf(Branches(element))); break;
            case "$expr": parts.Add(new ExpressionFilter(ExpressionParser.Parse(element.Value.ToBson()))); break;
            case "$comment": break;
            case var name: throw MongoRefusal.BadValue($"unknown top level operator: {name}");
        }
    }

    private static void AddField(List<Filter> parts, RawElement element)
    {
        var path = FieldPath.Of(element.Name);
        if (path.Parts.Length > FieldPath.MaxParts) throw MongoRefusal.BadValue("a field path is too long");
        var condition = ParseCondition(element.Value);
        if (condition is Every every)
            parts.AddRange(every.Parts.Select(part => new FieldFilter(path, part)));
        else parts.Add(new FieldFilter(path, condition));
    }

    private static List<Filter> Branches(RawElement element)
    {
        var branches = new List<Filter>();
        foreach (var (_, entry) in element.Value.IsArray ? element.Value : default)
            branches.Add(entry.IsDocument ? Parse(entry) : throw MongoRefusal.BadValue($"{element.Text} entries need to be full objects"));
        return branches.Count > 0 ? branches : throw MongoRefusal.BadValue($"{element.Text} argument must be a nonempty array");
    }

    private static Condition Operator(RawElement element, RawValue all) => element.Text switch
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
        "$all" => All(element),
        "$elemMatch" => ElementMatch(element.Value),
        var name => throw MongoRefusal.BadValue($"unknown operator: {name}")
    };

    private static RawValue NoRegex(RawElement element) => element.Value.Type == BsonType.RegularExpression
        ? throw MongoRefusal.BadValue($"Can't have RegEx as arg to predicate over field '{element.Text}'.") : Operand(element.Value);

    private static RawValue Operand(RawValue value) => value.Type == BsonType.Undefined ? throw MongoRefusal.BadValue("cannot compare to undefined") : value;

    private static List<RawValue> Elements(RawElement element)
    {
        if (!element.Value.IsArray) throw MongoRefusal.BadValue($"{element.Text} needs an array");
        var elements = new List<RawValue>();
        foreach (var (_, value) in element.Value) elements.Add(value);
        return elements;
    }

    private static OneOf In(RawElement element)
    {
        var elements = Elements(element);
        if (elements.Exists(IsOperators)) throw MongoRefusal.BadValue($"cannot nest $ under {element.Text}");
        var patterns = elements.Where(value => value.Type == BsonType.RegularExpression).Select(PatternMatch.Parse).ToList();
        return new OneOf(patterns.Count == 0 ? elements : elements.FindAll(value => value.Type != BsonType.RegularExpression), patterns);
    }

    private static Not Negation(RawValue value) => value.Type == BsonType.RegularExpression || IsOperators(value) ? new Not(ParseCondition(value))
        : throw MongoRefusal.BadValue("$not needs a regex or a document");

    private static PatternMatch Pattern(RawValue value, RawValue all)
    {
        var options = all.Field("$options"u8) is { IsText: true } text ? text.Text : null;
        return value.Type switch
        {
            BsonType.String => PatternMatch.Parse(value.Text, options ?? ""),
            BsonType.RegularExpression => PatternMatch.Parse(Encoding.UTF8.GetString(value.Pattern), options ?? Encoding.UTF8.GetString(value.PatternOptions)),
            _ => throw MongoRefusal.BadValue("$regex has to be a string")
        };
    }

    private static long Size(RawValue value) => Values.ToInteger(value.ToBson(), "$size") is >= 0 and var size ? size : throw MongoRefusal.BadValue("$size may not be negative");

    private static Condition All(RawElement element)
    {
        var conditions = Elements(element).ConvertAll(ParseCondition);
        // Nothing contains all of nothing.
        return conditions.Count == 0 ? new OneOf([], []) : new Every(conditions);
    }

    private static ElementMatches ElementMatch(RawValue value)
    {
        if (!value.IsDocument) throw MongoRefusal.BadValue("$elemMatch needs an Object");
        var onDocuments = !IsOperators(value) || value.TryFirst(out var first) && first.Text is ("$and" or "$or" or "$nor" or "$expr");
        return onDocuments ? new ElementMatches(Parse(value), null) : new ElementMatches(null, ParseCondition(value));
    }
}
