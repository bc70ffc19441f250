using Shop.Local.Mongo.Queries;
using Shop.Local.Mongo.Updates;

namespace Shop.Local.Mongo.Commands;

/// <summary>What an update did; before and after are of its (last) document.</summary>
internal sealed record UpdateResult(int Matched, int Modified, BsonValue? UpsertedId, BsonDocument? Before, BsonDocument? After);

/// <summary>One update of an update command, or the one of findAndModify.</summary>
internal sealed record UpdateStatement(Query Query, UpdateSpecification Update, bool Upsert, bool Multi)
{
    public static UpdateStatement Parse(BsonDocument statement)
    {
        var fields = new Request(statement, new Dictionary<string, List<byte[]>>(), 0);
        CommandOptions.RefuseUnsupported(statement);
        if (statement.Contains("c")) throw MongoRefusal.NotSupported("constants ('c') of an update are not supported");
        var filter = FilterParser.Parse(fields.Document("q") ?? throw MongoRefusal.FailedToParse("an update needs 'q'"));
        var update = UpdateSpecification.Parse(fields.Value("u") ?? throw MongoRefusal.FailedToParse("an update needs 'u'"), fields.Array("arrayFilters"));
        var multi = fields.Flag("multi");
        if (multi && update.IsReplacement) throw MongoRefusal.FailedToParse("multi update is not supported for replacement-style update");
        var sort = SortOrder.Parse(fields.Document("sort"));
        if (multi && sort is not null) throw MongoRefusal.FailedToParse("Cannot specify sort with multi=true");
        return new UpdateStatement(new Query(filter, sort, Limit: multi ? 0 : 1, Hint: fields.Value("hint")), update, fields.Flag("upsert"), multi);
    }

    /// <summary>Under the collection's lock, which the caller holds.</summary>
    public UpdateResult Execute(Collection collection, ChangeBatch batch, Action flush)
    {
        var found = Executor.Records(collection, Query);
        int matched = 0, modified = 0;
        BsonDocument? before = null, after = null;
        // A list, because changing a record moves it in the indexes that are being walked.
        foreach (var (record, view) in (Multi ? found : found.Take(1)).ToList())
        {
            matched++;
            before = view;
            after = Update.Apply(view, PositionIn(view), false);
            var bytes = Checked(after);
            if (bytes.AsSpan().SequenceEqual(record.Bytes)) continue;
            collection.Replace(record, after, bytes, batch);
            modified++;
            flush();
        }
        return matched == 0 && Upsert ? Insert(collection, batch) : new UpdateResult(matched, modified, null, before, after);
    }

    private UpdateResult Insert(Collection collection, ChangeBatch batch)
    {
        var seed = UpsertSeed.Of(Query.Filter, Update.IsReplacement);
        var document = Bson.WithId(Update.Apply(seed, null, true));
        collection.Insert(document, Checked(document), batch);
        return new UpdateResult(0, 0, document["_id"], null, document);
    }

    private int? PositionIn(BsonDocument document)
    {
        if (!Update.IsPositional) return null;
        var position = new MatchPosition();
        Query.Filter.Matches(document, position);
        return position.Index;
    }

    private static byte[] Checked(BsonDocument document)
    {
        var bytes = Bson.Write(document);
        WriteCommands.RefuseTooLarge(bytes);
        return BsonCheck.IsDocument(bytes) ? bytes : throw new MongoRefusal(15, "Overflow", "the document exceeds the maximum nesting depth");
    }
}
