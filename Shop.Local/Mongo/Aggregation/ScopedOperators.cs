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
        "$map" => Each(name, argument, "in", variables, (elements, body) => elements.Select(element => body(element) ?? BsonNull.Value)),
        "$filter" => Each(name, argument, "cond", variables, (elements, test) => elements.Where(element => Values.IsTrue(test(element)))),
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

    /// <summary>Evaluates an expression for every element of an array, which is bound to a variable.</summary>
    private static Expression Each(string name, BsonValue argument, string part, IReadOnlyCollection<string> variables,
        Func<IEnumerable<BsonValue>, Func<BsonValue, BsonValue?>, IEnumerable<BsonValue>> combine)
    {
        if (argument is not BsonDocument document) throw MongoRefusal.Location(28646, $"{name} only supports an object as its argument");
        var variable = document.TryGetValue("as", out var given) && given is BsonString text ? text.Value : "this";
        var input = ExpressionParser.Parse(Required(document, name, "input"), variables);
        var body = ExpressionParser.Parse(Required(document, name, part), [.. variables, variable]);
        return scope => input(scope) switch
        {
            null or BsonNull or BsonUndefined => BsonNull.Value,
            BsonArray array => new BsonArray(combine(array, element => body(scope.Bind(variable, element)))),
            var other => throw MongoRefusal.Location(28651, $"input to {name} must be an array not {TypeOrder.Name(other)}")
        };
    }

    private static BsonValue Required(BsonDocument document, string name, string field) =>
        document.TryGetValue(field, out var value) ? value : throw MongoRefusal.Location(28648, $"Missing '{field}' parameter to {name}");
}
