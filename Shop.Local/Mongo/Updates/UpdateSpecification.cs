using Shop.Local.Mongo.Aggregation;
using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Updates;

/// <summary>A parsed update: a replacement, a pipeline or modifiers.</summary>
internal sealed class UpdateSpecification
{
    private readonly BsonDocument? replacement;
    private readonly Func<BsonDocument, BsonDocument>? pipeline;
    private readonly Modifier[] modifiers = [];
    private readonly ArrayFilters filters;

    private UpdateSpecification(BsonValue update, BsonArray? arrayFilters)
    {
        if (arrayFilters is { Count: > 0 } && (update is not BsonDocument given || !FilterParser.IsOperators(given)))
            throw MongoRefusal.FailedToParse("arrayFilters may not be specified for a replacement or a pipeline");
        filters = ArrayFilters.Parse(arrayFilters);
        if (update is BsonArray stages)
            pipeline = Pipeline.ParseUpdate(stages);
        else if (!FilterParser.IsOperators(update))
            replacement = update.AsBsonDocument;
        else
        {
            modifiers = [.. update.AsBsonDocument.SelectMany(Modifier.Parse).OrderBy(modifier => modifier.Path, StringComparer.Ordinal)];
            RefuseConflicts();
            filters.RefuseUnused(modifiers.SelectMany(modifier => modifier.Parts), update);
        }
    }

    public bool IsReplacement => replacement is not null;
    /// <summary>Whether a path uses the positional operator, for which the match's place in the array is needed.</summary>
    public bool IsPositional => modifiers.Any(modifier => modifier.Parts.Contains("$"));

    public static UpdateSpecification Parse(BsonValue update, BsonArray? arrayFilters) => update is BsonDocument or BsonArray
        ? new UpdateSpecification(update, arrayFilters)
        : throw MongoRefusal.FailedToParse("Update argument must be either an object or an array");

    /// <summary>The document after the update; the given one is not changed.</summary>
    public BsonDocument Apply(BsonDocument document, int? position, bool inserting)
    {
        var result = replacement is not null ? Replace(document, replacement) : pipeline is not null ? KeepId(document, pipeline(document))
            : Modify(document, position, inserting);
        if (document.TryGetValue("_id", out var before) && !(result.TryGetValue("_id", out var after) && Values.Same(before, after)))
            throw MongoRefusal.ImmutableField("Performing an update on the path '_id' would modify the immutable field '_id'");
        return result;
    }

    private BsonDocument Modify(BsonDocument document, int? position, bool inserting)
    {
        var result = Bson.Mutable(document);
        foreach (var modifier in modifiers) modifier.Apply(result, position, filters, inserting);
        return result;
    }

    private static BsonDocument Replace(BsonDocument document, BsonDocument replacement)
    {
        if (replacement.Names.FirstOrDefault(name => name.StartsWith('$')) is { } wrong)
            throw new MongoRefusal(52, "DollarPrefixedFieldName", $"The dollar ($) prefixed field '{wrong}' is not allowed in a replacement");
        if (!document.TryGetValue("_id", out var id)) return replacement;
        if (replacement.TryGetValue("_id", out var given) && !Values.Same(id, given))
            throw MongoRefusal.ImmutableField("After applying the update, the (immutable) field '_id' was found to have been altered");
        return KeepId(document, replacement);
    }

    private static BsonDocument KeepId(BsonDocument document, BsonDocument result)
    {
        if (result.Contains("_id") || !document.TryGetValue("_id", out var id)) return result;
        var kept = new BsonDocument("_id", Bson.Copy(id));
        kept.AddRange(result.Elements);
        return kept;
    }

    private void RefuseConflicts()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var prefixes = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in modifiers.Select(modifier => modifier.Path))
        {
            if (!seen.Add(path) || prefixes.Contains(path)) throw MongoRefusal.ConflictingUpdate(path, path);
            for (var dot = path.IndexOf('.', StringComparison.Ordinal); dot > 0; dot = path.IndexOf('.', dot + 1))
            {
                if (seen.Contains(path[..dot])) throw MongoRefusal.ConflictingUpdate(path, path[..dot]);
                prefixes.Add(path[..dot]);
            }
        }
    }
}
