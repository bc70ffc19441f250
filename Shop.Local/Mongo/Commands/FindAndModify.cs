using Shop.Local.Mongo.Aggregation;
using Shop.Local.Mongo.Queries;
using Shop.Local.Mongo.Updates;

namespace Shop.Local.Mongo.Commands;

/// <summary>Changes one document and answers it as it was or is.</summary>
internal sealed class FindAndModify(Catalog catalog)
{
    public BsonDocument Run(Request request)
    {
        var query = new Query(FilterParser.Parse(request.Document("query")), SortOrder.Parse(request.Document("sort")), Limit: 1, Hint: ReadCommands.HintOf(request));
        var projection = Projection.Parse(request.Document("fields"));
        var remove = request.Flag("remove");
        if (remove != request.Value("update").IsMissing || remove && (request.Flag("upsert") || request.Flag("new")))
            throw MongoRefusal.FailedToParse("Either an update or remove=true must be specified, and remove excludes new and upsert");
        var statement = remove ? null
            : new UpdateStatement(query, UpdateSpecification.Parse(request.Value("update"), request.Array("arrayFilters")), request.Flag("upsert"), false);
        var reply = Answer(null, null, new BsonDocument("n", 0));
        catalog.Write(request.Namespace, !remove, WriteConcern.IsJournaled(request), (collection, batch) =>
            reply = statement is null ? Remove(collection, query, projection, batch) : Update(collection, statement, request.Flag("new"), projection, batch));
        return reply;
    }

    private static BsonDocument Remove(Collection collection, Query query, Projection? projection, ChangeBatch batch)
    {
        var found = Executor.Records(collection, query) is [var first, ..] ? first : null;
        if (found is not null) collection.Delete(found, batch);
        return Answer(found?.Bytes, projection, new BsonDocument("n", found is null ? 0 : 1));
    }

    private static BsonDocument Update(Collection collection, UpdateStatement statement, bool wantsNew, Projection? projection, ChangeBatch batch)
    {
        var result = statement.Execute(collection, batch, () => { });
        var description = new BsonDocument { { "n", result.UpsertedId is null ? result.Matched : 1 }, { "updatedExisting", result.Matched > 0 } };
        if (result.UpsertedId is not null) description["upserted"] = result.UpsertedId;
        return Answer(wantsNew ? result.After : result.Before, projection, description);
    }

    private static BsonDocument Answer(byte[]? document, Projection? projection, BsonDocument description)
    {
        BsonValue value = document is null ? BsonNull.Value : RawValue.Document(document).ToDocument();
        if (projection is not null && value is BsonDocument whole) value = projection.Apply(whole);
        return new BsonDocument { { "lastErrorObject", description }, { "value", value }, { "ok", 1.0 } };
    }
}
