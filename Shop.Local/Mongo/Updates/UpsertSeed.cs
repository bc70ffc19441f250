using Shop.Local.Mongo.Aggregation;
using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Updates;

/// <summary>What the equalities of a query say about the document that an upsert inserts.</summary>
internal static class UpsertSeed
{
    public static BsonDocument Of(Filter filter)
    {
        var seed = new BsonDocument();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (path, value) in Equalities(filter))
            seed = seen.Add(path.Text) ? Assignment.With(seed, path.Parts, value.ToBson()) : throw Twice(path);
        return seed;
    }

    /// <summary>The <c>_id</c> alone, missing when they do not say it: of a query nothing else goes into a replacement.</summary>
    public static RawValue IdOf(Filter filter)
    {
        RawValue id = default;
        foreach (var (path, value) in Equalities(filter))
            if (path.Text == "_id") id = id.IsMissing ? value : throw Twice(path);
        return id;
    }

    private static MongoRefusal Twice(FieldPath path) => new(54, "NotSingleValueField", $"cannot infer query fields to set, path '{path.Text}' is matched twice");

    private static IEnumerable<(FieldPath Path, RawValue Value)> Equalities(Filter filter) => filter switch
    {
        AllOf all => all.Parts.SelectMany(Equalities),
        AnyOf { Parts: [var only] } => Equalities(only),
        FieldFilter { Condition: Compared { Comparison: Comparison.Equal } compared } field => [(field.Path, compared.Operand)],
        FieldFilter { Condition: OneOf { Operands: [var only], Patterns: [] } } field => [(field.Path, only)],
        _ => []
    };
}
