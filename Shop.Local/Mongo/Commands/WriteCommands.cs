using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Commands;

/// <summary>insert, update, delete: many statements, each of which works or has an entry in <c>writeErrors</c>.</summary>
internal sealed class WriteCommands(Catalog catalog)
{
    public Reply Insert(Request request)
    {
        var documents = request.List("documents");
        var inserted = 0;
        return Run(request, documents, catalog.FindOrCreate(request.Namespace), (collection, bytes, _, batch) =>
        {
            RefuseTooLarge(bytes);
            var given = Bson.View(bytes);
            var document = Bson.WithId(given);
            collection.Insert(document, ReferenceEquals(document, given) ? bytes : Bson.Write(document), batch);
            inserted++;
        }, reply => reply["n"] = inserted);
    }

    public Reply Update(Request request)
    {
        var updates = request.List("updates");
        int matched = 0, modified = 0;
        var upserted = new BsonArray();
        return Run(request, updates, catalog.FindOrCreate(request.Namespace), (collection, bytes, index, batch) =>
        {
            var statement = UpdateStatement.Parse(Bson.Read(bytes));
            var result = statement.Execute(collection, batch, () => Flush(batch));
            (matched, modified) = (matched + result.Matched, modified + result.Modified);
            if (result.UpsertedId is not null) upserted.Add(new BsonDocument { { "index", index }, { "_id", result.UpsertedId } });
        }, reply =>
        {
            reply["n"] = matched + upserted.Count;
            reply["nModified"] = modified;
            if (upserted.Count > 0) reply["upserted"] = upserted;
        });
    }

    public Reply Delete(Request request)
    {
        var deletes = request.List("deletes");
        var deleted = 0;
        return Run(request, deletes, catalog.Find(request.Namespace), (collection, bytes, _, batch) =>
        {
            var statement = new Request(Bson.Read(bytes), request.Sequences, request.ConnectionId);
            CommandOptions.RefuseUnsupported(statement.Body);
            var filter = FilterParser.Parse(statement.Document("q") ?? throw MongoRefusal.FailedToParse("a delete needs 'q'"));
            var limit = statement.Integer("limit", 0) is (0 or 1) and var given ? given : throw MongoRefusal.FailedToParse("The limit field in delete objects must be 0 or 1.");
            var found = Executor.Records(collection, new Query(filter, Limit: limit, Hint: statement.Value("hint")));
            foreach (var (record, _) in (limit == 1 ? found.Take(1) : found).ToList())
            {
                collection.Delete(record, batch);
                deleted++;
                Flush(batch);
            }
        }, reply => reply["n"] = deleted);
    }

    public static void RefuseTooLarge(byte[] document)
    {
        if (document.Length > BsonCheck.MaxDocumentBytes)
            throw new MongoRefusal(10334, "BSONObjectTooLarge", $"object to insert too large. size in bytes: {document.Length}, max size: {BsonCheck.MaxDocumentBytes}");
    }

    /// <summary>All statements under one lock and into one frame of the log, in the log before the lock is released.</summary>
    private BsonDocument Run(Request request, List<byte[]> statements, Collection? collection, Action<Collection, byte[], int, ChangeBatch> execute, Action<BsonDocument> describe)
    {
        var concern = WriteConcern.Parse(request);
        var ordered = request.Value("ordered") is null || request.Flag("ordered");
        var errors = new BsonArray();
        var batch = new ChangeBatch();
        var position = 0L;
        while (collection is not null)
        {
            lock (collection.Gate)
            {
                if (collection.Dropped)
                {
                    // Dropped between finding and locking it; a write creates it anew, as it would have a moment later.
                    collection = catalog.Find(request.Namespace) ?? (request.Name == "delete" ? null : catalog.FindOrCreate(request.Namespace));
                    continue;
                }
                for (var i = 0; i < statements.Count; i++)
                    try
                    {
                        execute(collection, statements[i], i, batch);
                        Flush(batch);
                    }
                    catch (Exception failure) when (failure is MongoRefusal || MongoRefusal.CanAnswer(failure))
                    {
                        // Whatever it was, what earlier statements changed must still reach the log.
                        errors.Add((failure as MongoRefusal ?? MongoRefusal.Internal(failure)).ToWriteError(i));
                        if (ordered) break;
                    }
                position = catalog.Commit(batch);
            }
            break;
        }
        if (concern.Journaled) catalog.Sync(position);
        var reply = new BsonDocument();
        describe(reply);
        if (errors.Count > 0) reply["writeErrors"] = errors;
        reply["ok"] = 1.0;
        return reply;
    }

    private void Flush(ChangeBatch batch)
    {
        if (batch.Length > Journal.MaxBatchBytes) catalog.Commit(batch);
    }
}
