using Shop.Local.Mongo.Aggregation;

namespace Shop.Local.Mongo.Queries;

/// <summary>A parsed query. Parsing has refused what is not supported, so matching cannot fail on a field's type.</summary>
internal abstract record Filter
{
    public abstract bool Matches(RawValue document, MatchPosition? position = null);

    /// <summary>The key of the only <c>_id</c> that can match, or null when there may be several.</summary>
    public virtual byte[]? IdKey => null;
}

internal sealed record AllOf(IReadOnlyList<Filter> Parts) : Filter
{
    public override byte[]? IdKey
    {
        get
        {
            foreach (var part in Parts) if (part.IdKey is { } key) return key;
            return null;
        }
    }

    public override bool Matches(RawValue document, MatchPosition? position = null)
    {
        foreach (var part in Parts) if (!part.Matches(document, position)) return false;
        return true;
    }
}

internal sealed record AnyOf(IReadOnlyList<Filter> Parts) : Filter
{
    public override bool Matches(RawValue document, MatchPosition? position = null) => Parts.Any(part => part.Matches(document, position));
}

internal sealed record NoneOf(IReadOnlyList<Filter> Parts) : Filter
{
    public override bool Matches(RawValue document, MatchPosition? position = null) => !Parts.Any(part => part.Matches(document));
}

internal sealed record FieldFilter(FieldPath Path, Condition Condition) : Filter
{
    public override byte[]? IdKey =>
        Path.Text == "_id" && Condition is Compared { Comparison: Comparison.Equal } compared && Interval.IsSeekable(compared.Operand.Type) ? compared.Key : null;

    public override bool Matches(RawValue document, MatchPosition? position = null) => Condition.Matches(document, Path, position);
}

internal sealed record ExpressionFilter(Expression Expression) : Filter
{
    public override bool Matches(RawValue document, MatchPosition? position = null) => Values.IsTrue(Expression(new Scope(document.ToDocument())));
}
