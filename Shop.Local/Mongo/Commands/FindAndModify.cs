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
        var reply = Answer(BsonNull.Value, new BsonDocument("n", 0));
        catalog.Write(request.Namespace, !remove, WriteConcern.IsJournaled(request), collection =>
            reply = statement is null ? Remove(collection, query, projection) : Update(collection, statement, request.Flag("new"), projection));
        return reply;
    }

    private static BsonDocument Remove(Collection collection, Query query, Projection? projection)
    {
        var found = Executor.Records(collection, query);
        var value = Value(found, projection);
        foreach (var record in found) collection.Delete(record);
        return Answer(value, new BsonDocument("n", found.Count));
    }

    private static BsonDocument Update(Collection collection, UpdateStatement statement, bool wantsNew, Projection? projection)
    {
        var found = Executor.Records(collection, statement.Query);
        var before = Value(found, projection);
        var result = statement.Execute(collection, found, () => { });
        var description = new BsonDocument { { "n", result.UpsertedId is null ? result.Matched : 1 }, { "updatedExisting", result.Matched > 0 } };
        if (result.UpsertedId is not null) description["upserted"] = result.UpsertedId;
        return Answer(wantsNew ? Value(result.After, projection) : before, description);
    }

    private static BsonValue Value(IReadOnlyList<Record> found, Projection? projection) => Value(found is [var first, ..] ? first.Document : default, projection);

    private static BsonValue Value(RawValue document, Projection? projection) => document.IsMissing ? BsonNull.Value
        : projection is null ? document.ToDocument() : projection.Apply(document.ToDocument());

    private static BsonDocument Answer(BsonValue value, BsonDocument description) => new() { { "lastErrorObject", description }, { "value", value } };
}
