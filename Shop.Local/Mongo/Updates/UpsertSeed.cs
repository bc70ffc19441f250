using Shop.Local.Mongo.Aggregation;
using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Updates;

/// <summary>What the equalities of a query say about the document that an upsert inserts.</summary>
internal static class UpsertSeed
{
    public static BsonDocument Of(Filter filter, bool idOnly)
    {
        var seed = new BsonDocument();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (path, value) in Equalities(filter))
        {
            if (idOnly && path.Text != "_id") continue;
            if (!seen.Add(path.Text))
                throw new MongoRefusal(54, "NotSingleValueField", $"cannot infer query fields to set, path '{path.Text}' is matched twice");
            seed = Assignment.With(seed, path.Parts, value.ToBson());
        }
        return seed;
    }

    private static IEnumerable<(FieldPath Path, RawValue Value)> Equalities(Filter filter) => filter switch
    {
        AllOf all => all.Parts.SelectMany(Equalities),
        AnyOf { Parts: [var only] } => Equalities(only),
        FieldFilter { Condition: Compared { Comparison: Comparison.Equal } compared } field => [(field.Path, compared.Operand)],
        FieldFilter { Condition: OneOf { Operands: [var only], Patterns: [] } } field => [(field.Path, only)],
        _ => []
    };
}
