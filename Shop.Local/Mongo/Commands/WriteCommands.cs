using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Commands;

/// <summary>insert, update, delete: many statements, each of which works or has an entry in <c>writeErrors</c>.</summary>
internal sealed class WriteCommands(Catalog catalog)
{
    public BsonDocument Insert(Request request)
    {
        var inserted = 0;
        return Run(request, request.List("documents"), true, (collection, document, _) =>
        {
            collection.Insert(StoredDocument.From(document));
            inserted++;
        }, reply => reply["n"] = inserted);
    }

    public BsonDocument Update(Request request)
    {
        int matched = 0, modified = 0;
        var upserted = new BsonArray();
        return Run(request, request.List("updates"), true, (collection, update, index) =>
        {
            var statement = UpdateStatement.Parse(Request.Statement(update));
            var result = statement.Execute(collection, Executor.Records(collection, statement.Query), () => Flush(collection));
            (matched, modified) = (matched + result.Matched, modified + result.Modified);
            if (result.UpsertedId is not null) upserted.Add(new BsonDocument { { "index", index }, { "_id", result.UpsertedId } });
        }, reply =>
        {
            reply["n"] = matched + upserted.Count;
            reply["nModified"] = modified;
            if (upserted.Count > 0) reply["upserted"] = upserted;
        });
    }

    public BsonDocument Delete(Request request)
    {
        var deleted = 0;
        return Run(request, request.List("deletes"), false, (collection, delete, _) =>
        {
            var statement = Request.Statement(delete);
            CommandOptions.RefuseUnsupported(delete);
            var filter = FilterParser.Parse(statement.Document("q") is { IsMissing: false } q ? q : throw MongoRefusal.FailedToParse("a delete needs 'q'"));
            var limit = statement.Integer("limit", 0) is (0 or 1) and var given ? given : throw MongoRefusal.FailedToParse("The limit field in delete objects must be 0 or 1.");
            foreach (var record in Executor.Records(collection, new Query(filter, Limit: limit, Hint: ReadCommands.HintOf(statement))))
            {
                collection.Delete(record);
                deleted++;
                Flush(collection);
            }
        }, reply => reply["n"] = deleted);
    }

    /// <summary>All statements under one lock and into one frame of the log.</summary>
    private BsonDocument Run(Request request, List<RawValue> statements, bool creates, Action<Collection, RawValue, int> execute, Action<BsonDocument> describe)
    {
        var ordered = request.Value("ordered").IsMissing || request.Flag("ordered");
        var errors = new BsonArray();
        catalog.Write(request.Namespace, creates, WriteConcern.IsJournaled(request), collection =>
        {
            for (var i = 0; i < statements.Count && !(ordered && errors.Count > 0); i++)
                try
                {
                    execute(collection, statements[i], i);
                    Flush(collection);
                }
                catch (Exception failure) when (failure is MongoRefusal || MongoRefusal.CanAnswer(failure))
                {
                    // Whatever it was, what earlier statements changed must still reach the log.
                    errors.Add((failure as MongoRefusal ?? MongoRefusal.Internal(failure)).ToWriteError(i));
                }
        });
        var reply = new BsonDocument();
        describe(reply);
        if (errors.Count > 0) reply["writeErrors"] = errors;
        return reply;
    }

    private void Flush(Collection collection)
    {
        if (collection.Pending.Length > Journal.MaxBatchBytes) catalog.Commit(collection.Pending);
    }
}
