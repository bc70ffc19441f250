namespace Shop.Local.Mongo.Aggregation;

/// <summary>A parsed aggregation expression; null is a missing value.</summary>
internal delegate BsonValue? Expression(Scope scope);

/// <summary>What an expression can see: the document and the variables bound around it.</summary>
internal sealed record Scope(BsonDocument Root, string? Name = null, BsonValue? Value = null, Scope? Outer = null)
{
    public Scope Bind(string name, BsonValue? value) => new(Root, name, value, this);

    public BsonValue? Variable(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
            if (string.Equals(scope.Name, name, StringComparison.Ordinal)) return scope.Value;
        return null;
    }
}
