using Shop.Local.Mongo.Aggregation;
using Shop.Local.Mongo.Queries;
using Shop.Local.Mongo.Updates;

namespace Shop.Local.Mongo.Commands;

/// <summary>Changes one document and answers it as it was or is.</summary>
internal sealed class FindAndModify(Catalog catalog)
{
    public Reply Run(Request request)
    {
        var concern = WriteConcern.Parse(request);
        var filter = FilterParser.Parse(request.Document("query") ?? []);
        var query = new Query(filter, SortOrder.Parse(request.Document("sort")), Limit: 1, Hint: request.Value("hint"));
        var projection = Projection.Parse(request.Document("fields"), false);
        var remove = request.Flag("remove");
        if (remove == request.Body.Contains("update") || remove && (request.Flag("upsert") || request.Flag("new")))
            throw MongoRefusal.FailedToParse("Either an update or remove=true must be specified, and remove excludes new and upsert");
        var statement = remove ? null
            : new UpdateStatement(query, UpdateSpecification.Parse(request.Value("update")!, request.Array("arrayFilters")), request.Flag("upsert"), false);
        while (true)
        {
            var collection = remove ? catalog.Find(request.Namespace) : catalog.FindOrCreate(request.Namespace);
            if (collection is null) return Answer(null, null, new BsonDocument("n", 0));
            BsonDocument reply;
            long position;
            lock (collection.Gate)
            {
                if (collection.Dropped) continue;
                var batch = new ChangeBatch();
                try
                {
                    reply = statement is null ? Remove(collection, query, projection, batch) : Update(collection, statement, request.Flag("new"), projection, batch);
                }
                finally
                {
                    // Also when the projection of the answer fails: memory must never be ahead of the log.
                    position = catalog.Commit(batch);
                }
            }
            if (concern.Journaled) catalog.Sync(position);
            return reply;
        }
    }

    private static BsonDocument Remove(Collection collection, Query query, Projection? projection, ChangeBatch batch)
    {
        foreach (var (record, view) in Executor.Records(collection, query).Take(1).ToList())
        {
            collection.Delete(record, batch);
            return Answer(view, projection, new BsonDocument("n", 1));
        }
        return Answer(null, projection, new BsonDocument("n", 0));
    }

    private static BsonDocument Update(Collection collection, UpdateStatement statement, bool wantsNew, Projection? projection, ChangeBatch batch)
    {
        var result = statement.Execute(collection, batch, () => { });
        var description = new BsonDocument { { "n", result.UpsertedId is null ? result.Matched : 1 }, { "updatedExisting", result.Matched > 0 } };
        if (result.UpsertedId is not null) description["upserted"] = result.UpsertedId;
        return Answer(wantsNew ? result.After : result.Before, projection, description);
    }

    private static BsonDocument Answer(BsonDocument? value, Projection? projection, BsonDocument description) => new()
    {
        { "lastErrorObject", description },
        { "value", value is null ? BsonNull.Value : projection is null ? value : projection.Apply(value) },
        { "ok", 1.0 }
    };
}
