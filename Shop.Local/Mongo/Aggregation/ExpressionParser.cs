namespace Shop.Local.Mongo.Aggregation;

/// <summary>From a document to an <see cref="Expression"/>. Unknown operators are refused here, before any document is seen.</summary>
internal static class ExpressionParser
{
    private static readonly HashSet<string> BuiltInVariables = ["ROOT", "CURRENT", "REMOVE"];
    public static Expression Parse(BsonValue value) => Parse(value, []);

    public static Expression Parse(BsonValue value, IReadOnlyCollection<string> variables) => value switch
    {
        BsonString { Value: ['$', '$', ..] } variable => Variable(variable.Value[2..], variables),
        BsonString { Value: ['$', ..] } path => FieldPath(path.Value[1..]),
        BsonDocument document when document.ElementCount > 0 && document.GetElement(0).Name is ['$', ..] => Operator(document, variables),
        BsonDocument document => Object(document, variables),
        BsonArray array => Array(array, variables),
        _ => _ => value
    };

    /// <summary>The values at a path; an array on the way gives the array of what its documents have.</summary>
    public static BsonValue? Walk(BsonValue? value, ReadOnlySpan<string> parts)
    {
        if (parts.IsEmpty || value is null) return value;
        if (value is BsonDocument document) return document.TryGetValue(parts[0], out var child) ? Walk(child, parts[1..]) : null;
        if (value is not BsonArray array) return null;
        var found = new BsonArray();
        foreach (var element in array) if (element is BsonDocument or BsonArray && Walk(element, parts) is { } inner) found.Add(inner);
        return found;
    }

    private static Expression FieldPath(string path)
    {
        if (path.Length == 0 || path.Split('.') is var parts && parts.Any(part => part.Length == 0))
            throw MongoRefusal.Location(16872, "'$' by itself is not a valid FieldPath");
        return scope => Walk(scope.Root, parts);
    }

    private static Expression Variable(string text, IReadOnlyCollection<string> variables)
    {
        var parts = text.Split('.');
        var (name, rest) = (parts[0], parts[1..]);
        if (!variables.Contains(name) && !BuiltInVariables.Contains(name))
            throw MongoRefusal.Location(17276, $"Use of undefined variable: {name}");
        return name switch
        {
            "ROOT" or "CURRENT" => scope => Walk(scope.Root, rest),
            "REMOVE" => _ => null,
            _ => scope => Walk(scope.Variable(name), rest)
        };
    }

    private static Expression Object(BsonDocument document, IReadOnlyCollection<string> variables)
    {
        var fields = document.Select(element => (element.Name, Value: Parse(element.Value, variables))).ToArray();
        if (fields.FirstOrDefault(field => field.Name.Contains('.', StringComparison.Ordinal) || field.Name.StartsWith('$')).Name is { } wrong)
            throw MongoRefusal.Location(16410, $"FieldPath field names may not contain '.' or start with '$': {wrong}");
        return scope =>
        {
            var result = new BsonDocument();
            foreach (var (name, expression) in fields) if (expression(scope) is { } value) result[name] = value;
            return result;
        };
    }

    private static Expression Array(BsonArray array, IReadOnlyCollection<string> variables)
    {
        var elements = array.Select(element => Parse(element, variables)).ToArray();
        return scope => new BsonArray(elements.Select(element => element(scope) ?? BsonNull.Value));
    }

    private static Expression Operator(BsonDocument document, IReadOnlyCollection<string> variables)
    {
        var (name, argument) = (document.GetElement(0).Name, document.GetElement(0).Value);
        if (document.ElementCount != 1)
            throw MongoRefusal.Location(15983, "An object representing an expression must have exactly one field");
        if (name == "$literal") return _ => argument;
        if (ScopedOperators.TryParse(name, argument, variables) is { } scoped) return scoped;
        if (!Operators.All.TryGetValue(name, out var known))
            throw new MongoRefusal(168, "InvalidPipelineOperator", $"Unrecognized expression '{name}'");
        var arguments = (argument is BsonArray list ? list.AsEnumerable() : [argument]).Select(element => Parse(element, variables)).ToArray();
        if (arguments.Length < known.Minimum || arguments.Length > known.Maximum)
            throw MongoRefusal.Location(16020, $"Expression {name} takes {known.Minimum} to {known.Maximum} arguments. {arguments.Length} were passed in.");
        return scope =>
        {
            var values = new BsonValue?[arguments.Length];
            for (var i = 0; i < values.Length; i++) values[i] = arguments[i](scope);
            return known.Apply(values);
        };
    }
}
