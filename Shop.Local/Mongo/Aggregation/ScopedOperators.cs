namespace Shop.Local.Mongo.Aggregation;

/// <summary>Operators that bind variables or leave some of their arguments unevaluated.</summary>
internal static class ScopedOperators
{
    public static Expression? TryParse(string name, BsonValue argument, IReadOnlyCollection<string> variables) => name switch
    {
        "$cond" => Condition(argument, variables),
        "$ifNull" => IfNull(argument, variables),
        "$and" => Logical(argument, variables, false),
        "$or" => Logical(argument, variables, true),
        "$map" => Map(argument, variables),
        "$filter" => Filter(argument, variables),
        _ => null
    };

    private static Expression Condition(BsonValue argument, IReadOnlyCollection<string> variables)
    {
        var branches = argument switch
        {
            BsonArray { Count: 3 } array => array.ToArray(),
            BsonDocument document => [Required(document, "$cond", "if"), Required(document, "$cond", "then"), Required(document, "$cond", "else")],
            _ => throw MongoRefusal.Location(16020, "Expression $cond takes exactly 3 arguments.")
        };
        var (test, yes, no) = (ExpressionParser.Parse(branches[0], variables), ExpressionParser.Parse(branches[1], variables), ExpressionParser.Parse(branches[2], variables));
        return scope => Values.IsTrue(test(scope)) ? yes(scope) : no(scope);
    }

    private static Expression IfNull(BsonValue argument, IReadOnlyCollection<string> variables)
    {
        if (argument is not BsonArray { Count: >= 2 } array) throw MongoRefusal.Location(1257300, "$ifNull needs at least two arguments");
        var options = array.Select(element => ExpressionParser.Parse(element, variables)).ToArray();
        return scope =>
        {
            BsonValue? value = null;
            foreach (var option in options) if ((value = option(scope)) is not (null or BsonNull or BsonUndefined)) break;
            return value;
        };
    }

    private static Expression Logical(BsonValue argument, IReadOnlyCollection<string> variables, bool any)
    {
        var parts = (argument is BsonArray array ? array.AsEnumerable() : [argument]).Select(element => ExpressionParser.Parse(element, variables)).ToArray();
        return scope => BsonBoolean.Create(any ? parts.Any(part => Values.IsTrue(part(scope))) : parts.All(part => Values.IsTrue(part(scope))));
    }

    private static Expression Map(BsonValue argument, IReadOnlyCollection<string> variables)
    {
        var (input, name, document) = Iteration(argument, "$map", variables);
        var body = ExpressionParser.Parse(Required(document, "$map", "in"), [.. variables, name]);
        return scope => Elements(input(scope), "$map") is { } elements
            ? new BsonArray(elements.Select(element => body(scope.Bind(name, element)) ?? BsonNull.Value)) : BsonNull.Value;
    }

    private static Expression Filter(BsonValue argument, IReadOnlyCollection<string> variables)
    {
        var (input, name, document) = Iteration(argument, "$filter", variables);
        var test = ExpressionParser.Parse(Required(document, "$filter", "cond"), [.. variables, name]);
        return scope => Elements(input(scope), "$filter") is { } elements
            ? new BsonArray(elements.Where(element => Values.IsTrue(test(scope.Bind(name, element))))) : BsonNull.Value;
    }

    private static (Expression Input, string Name, BsonDocument Document) Iteration(BsonValue argument, string name, IReadOnlyCollection<string> variables)
    {
        var document = Arguments(argument, name, 28646);
        var variable = document.TryGetValue("as", out var given) && given is BsonString text ? text.Value : "this";
        return (ExpressionParser.Parse(Required(document, name, "input"), variables), variable, document);
    }

    private static BsonArray? Elements(BsonValue? value, string name) => value switch
    {
        null or BsonNull or BsonUndefined => null,
        BsonArray array => array,
        _ => throw MongoRefusal.Location(28651, $"input to {name} must be an array not {TypeOrder.Name(value)}")
    };

    private static BsonDocument Arguments(BsonValue argument, string name, int code) =>
        argument as BsonDocument ?? throw MongoRefusal.Location(code, $"{name} only supports an object as its argument");
    private static BsonValue Required(BsonDocument document, string name, string field) =>
        document.TryGetValue(field, out var value) ? value : throw MongoRefusal.Location(28648, $"Missing '{field}' parameter to {name}");
}
