using Shop.Local.Mongo.Aggregation;

namespace Shop.Local.Mongo.Queries;

/// <summary>A parsed query. Parsing has refused what is not supported, so matching cannot fail on a field's type.</summary>
internal abstract record Filter
{
    public abstract bool Matches(BsonDocument document, MatchPosition? position = null);
}

internal sealed record AllOf(IReadOnlyList<Filter> Parts) : Filter
{
    public override bool Matches(BsonDocument document, MatchPosition? position = null)
    {
        foreach (var part in Parts) if (!part.Matches(document, position)) return false;
        return true;
    }
}

internal sealed record AnyOf(IReadOnlyList<Filter> Parts) : Filter
{
    public override bool Matches(BsonDocument document, MatchPosition? position = null) => Parts.Any(part => part.Matches(document, position));
}

internal sealed record NoneOf(IReadOnlyList<Filter> Parts) : Filter
{
    public override bool Matches(BsonDocument document, MatchPosition? position = null) => !Parts.Any(part => part.Matches(document));
}

internal sealed record FieldFilter(string Path, Condition Condition) : Filter
{
    private readonly string[] parts = DocumentPath.Split(Path);
    public override bool Matches(BsonDocument document, MatchPosition? position = null) => Condition.Matches(document, parts, position);
}

internal sealed record ExpressionFilter(Expression Expression) : Filter
{
    public override bool Matches(BsonDocument document, MatchPosition? position = null) => Values.IsTrue(Expression(new Scope(document)));
}
