using Shop.Local.Mongo.Queries;
using Shop.Local.Mongo.Updates;

namespace Shop.Local.Mongo.Commands;

/// <summary>What an update did; after is its (last) document as it is now, missing when there is none.</summary>
internal sealed record UpdateResult(int Matched, int Modified, BsonValue? UpsertedId, RawValue After);

/// <summary>One update of an update command, or the one of findAndModify.</summary>
internal sealed record UpdateStatement(Query Query, UpdateSpecification Update, bool Upsert, bool Multi)
{
    public static UpdateStatement Parse(Request statement)
    {
        CommandOptions.RefuseUnsupported(statement.Body);
        if (!statement.Value("c").IsMissing) throw MongoRefusal.NotSupported("constants ('c') of an update are not supported");
        var filter = FilterParser.Parse(statement.Document("q") is { IsMissing: false } q ? q : throw MongoRefusal.FailedToParse("an update needs 'q'"));
        var update = UpdateSpecification.Parse(statement.Value("u"), statement.Array("arrayFilters"));
        var multi = statement.Flag("multi");
        if (multi && update.IsReplacement) throw MongoRefusal.FailedToParse("multi update is not supported for replacement-style update");
        var sort = SortOrder.Parse(statement.Document("sort"));
        if (multi && sort is not null) throw MongoRefusal.FailedToParse("Cannot specify sort with multi=true");
        return new UpdateStatement(new Query(filter, sort, Limit: multi ? 0 : 1, Hint: ReadCommands.HintOf(statement)), update, statement.Flag("upsert"), multi);
    }

    /// <summary>Changes the records that the query has found, under the collection's lock, which the caller holds.</summary>
    public UpdateResult Execute(Collection collection, IReadOnlyList<Record> found, Action flush)
    {
        var modified = 0;
        RawValue after = default;
        foreach (var record in found)
        {
            after = Update.Apply(record.Document, PositionIn(record.Document), false);
            if (after.Bytes.SequenceEqual(record.Document.Bytes)) continue;
            collection.Replace(record, after);
            modified++;
            flush();
        }
        return found.Count == 0 && Upsert ? Insert(collection) : new UpdateResult(found.Count, modified, null, after);
    }

    private UpdateResult Insert(Collection collection)
    {
        var document = Update.IsReplacement ? Update.ReplacementFor(UpsertSeed.IdOf(Query.Filter)) : Update.Apply(RawValue.Of(UpsertSeed.Of(Query.Filter)), null, true);
        collection.Insert(document);
        return new UpdateResult(0, 0, document.Field("_id"u8).ToBson(), document);
    }

    private int? PositionIn(RawValue document)
    {
        if (!Update.IsPositional) return null;
        var position = new MatchPosition();
        Query.Filter.Matches(document, position);
        return position.Index;
    }
}
