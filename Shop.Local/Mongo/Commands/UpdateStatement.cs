using Shop.Local.Mongo.Queries;
using Shop.Local.Mongo.Updates;

namespace Shop.Local.Mongo.Commands;

/// <summary>What an update did; before and after are of its (last) document.</summary>
internal sealed record UpdateResult(int Matched, int Modified, BsonValue? UpsertedId, byte[]? Before, byte[]? After);

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

    /// <summary>Under the collection's lock, which the caller holds.</summary>
    public UpdateResult Execute(Collection collection, ChangeBatch batch, Action flush)
    {
        int matched = 0, modified = 0;
        byte[]? before = null, after = null;
        foreach (var record in Executor.Records(collection, Query))
        {
            matched++;
            before = record.Bytes;
            after = Update.Apply(record.Document, PositionIn(record.Document), false);
            if (after.AsSpan().SequenceEqual(before)) continue;
            collection.Replace(record, after, batch);
            modified++;
            flush();
        }
        return matched == 0 && Upsert ? Insert(collection, batch) : new UpdateResult(matched, modified, null, before, after);
    }

    private UpdateResult Insert(Collection collection, ChangeBatch batch)
    {
        var document = Update.Inserts(Query.Filter is AllOf { Parts: [{ IdKey: { } id }, FieldFilter { Path.Text: not "_id" }] } ? id : null)
            ?? Update.Apply(RawValue.Of(UpsertSeed.Of(Query.Filter, Update.IsReplacement)), null, true);
        collection.Insert(document, batch);
        return new UpdateResult(0, 0, RawValue.Document(document).Field("_id"u8).ToBson(), null, document);
    }

    private int? PositionIn(RawValue document)
    {
        if (!Update.IsPositional) return null;
        var position = new MatchPosition();
        Query.Filter.Matches(document, position);
        return position.Index;
    }
}
