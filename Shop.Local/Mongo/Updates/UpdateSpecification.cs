using Shop.Local.Mongo.Aggregation;
using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Updates;

/// <summary>A parsed update: a replacement, a pipeline or modifiers.</summary>
internal sealed class UpdateSpecification
{
    private readonly RawValue replacement;
    private readonly Func<BsonDocument, BsonDocument>? pipeline;
    private readonly Modifier[] modifiers = [];
    private readonly ArrayFilters filters;

    private UpdateSpecification(RawValue update, BsonArray? arrayFilters)
    {
        var hasOperators = FilterParser.IsOperators(update);
        if (arrayFilters is { Count: > 0 } && !hasOperators)
            throw MongoRefusal.FailedToParse("arrayFilters may not be specified for a replacement or a pipeline");
        filters = ArrayFilters.Parse(arrayFilters);
        if (update.IsArray)
            pipeline = Pipeline.ParseUpdate(update.ToArray());
        else if (!hasOperators)
        {
            foreach (var (field, _) in update)
                if (field.IsOperator) throw new MongoRefusal(52, "DollarPrefixedFieldName", $"The dollar ($) prefixed field '{field.Text}' is not allowed in a replacement");
            replacement = update;
        }
        else
        {
            var document = update.ToDocument();
            modifiers = [.. document.SelectMany(Modifier.Parse).OrderBy(modifier => modifier.Path.Text, StringComparer.Ordinal)];
            RefuseConflicts();
            filters.RefuseUnused(modifiers.SelectMany(modifier => modifier.Path.Parts), document);
        }
    }

    public bool IsReplacement => !replacement.IsMissing;

    /// <summary>Whether a path uses the positional operator, for which the match's place in the array is needed.</summary>
    public bool IsPositional => Array.Exists(modifiers, modifier => modifier.Path.Parts.Contains("$"));

    public static UpdateSpecification Parse(RawValue update, BsonArray? arrayFilters) => update.IsDocument || update.IsArray
        ? new UpdateSpecification(update, arrayFilters)
        : throw MongoRefusal.FailedToParse("Update argument must be either an object or an array");

    /// <summary>The document after the update, with the <c>_id</c> that it had.</summary>
    public RawValue Apply(RawValue document, int? position, bool inserting)
    {
        var id = document.Field("_id"u8);
        if (IsReplacement) return ReplacementFor(id);
        var result = pipeline is null ? Modify(document, position, inserting) : pipeline(document.ToDocument());
        return Identified(id, StoredDocument.Checked(RawValue.Of(result)));
    }

    /// <summary>The replacement of the document with this <c>_id</c>, which may be missing: then it gets its own.</summary>
    public RawValue ReplacementFor(RawValue id) => Identified(id, replacement);

    private RawValue Identified(RawValue before, RawValue result)
    {
        var after = result.Field("_id"u8);
        // A replacement and a pipeline may leave the _id out; a modifier must not have taken it away.
        if (after.IsMissing && !before.IsMissing && modifiers.Length == 0) return StoredDocument.WithId(before.ToBson(), result);
        return before.IsMissing || Values.Same(before, after) ? StoredDocument.From(result)
            : throw MongoRefusal.ImmutableField("Performing an update on the path '_id' would modify the immutable field '_id'");
    }

    private BsonDocument Modify(RawValue document, int? position, bool inserting)
    {
        var result = document.ToDocument();
        foreach (var modifier in modifiers) modifier.Apply(result, position, filters, inserting);
        return result;
    }

    private void RefuseConflicts()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        // In their order, so that a path comes after those that it runs through.
        foreach (var path in modifiers.Select(modifier => modifier.Path.Text))
        {
            if (!seen.Add(path)) throw MongoRefusal.ConflictingUpdate(path, path);
            for (var dot = path.IndexOf('.', StringComparison.Ordinal); dot > 0; dot = path.IndexOf('.', dot + 1))
                if (seen.Contains(path[..dot])) throw MongoRefusal.ConflictingUpdate(path, path[..dot]);
        }
    }
}
