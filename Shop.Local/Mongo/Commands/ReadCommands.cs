using Shop.Local.Mongo.Aggregation;
using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Commands;

/// <summary>find, getMore, killCursors, count, distinct, aggregate.</summary>
internal sealed class ReadCommands(Catalog catalog, Cursors cursors)
{
    public Reply Find(Request request)
    {
        var query = QueryOf(request);
        var projection = Projection.Parse(request.Document("projection"), false);
        var found = Executor.Find(catalog.Find(request.Namespace), query);
        var documents = projection is null ? found : found.Select(bytes => Bson.Write(projection.Apply(Bson.View(bytes))));
        return cursors.Start(request.Namespace, documents, BatchSize(request), request.Flag("singleBatch") || request.Integer("limit", 0) < 0);
    }

    public static Query QueryOf(Request request)
    {
        var sortDocument = request.Document("sort");
        var hint = request.Value("hint");
        // Insertion order is what a walk without an index yields anyway.
        if (sortDocument is { ElementCount: 1 } && sortDocument.GetElement(0) is { Name: "$natural" } natural)
        {
            if (Values.ToInteger(natural.Value, "$natural") != 1)
                throw MongoRefusal.NotSupported("a descending $natural sort is not supported");
            (sortDocument, hint) = (null, sortDocument);
        }
        var skip = request.Integer("skip", 0) is >= 0 and var given ? given : throw MongoRefusal.BadValue("Skip value must be non-negative");
        var limit = Math.Abs(request.Integer("limit", 0));
        return new Query(FilterParser.Parse(request.Document("filter") ?? request.Document("query") ?? []), SortOrder.Parse(sortDocument), skip, limit, hint is BsonDocument { ElementCount: 0 } ? null : hint);
    }

    public Reply GetMore(Request request)
    {
        var name = $"{request.Database}.{request.Text("collection") ?? throw MongoRefusal.FailedToParse("getMore needs 'collection'")}";
        var size = request.Integer("batchSize", 0);
        return cursors.More(Values.ToInteger(request.Argument, "getMore"), name, size > 0 ? size : null);
    }

    public Reply KillCursors(Request request)
    {
        var ids = request.Array("cursors") ?? throw MongoRefusal.FailedToParse("killCursors needs 'cursors'");
        var killed = ids.ToLookup(id => cursors.Kill(Values.ToInteger(id, "cursors")));
        return new BsonDocument
        {
            { "cursorsKilled", new BsonArray(killed[true]) }, { "cursorsNotFound", new BsonArray(killed[false]) },
            { "cursorsAlive", new BsonArray() }, { "cursorsUnknown", new BsonArray() }, { "ok", 1.0 }
        };
    }

    public Reply Count(Request request)
    {
        var query = QueryOf(request);
        var collection = catalog.Find(request.Namespace);
        long count;
        if (collection is not null && query is { IsUnfiltered: true, Skip: 0, Limit: 0 })
            lock (collection.Gate)
                count = collection.Count;
        else count = Executor.Find(collection, query).LongCount();
        return new BsonDocument { { "n", count <= int.MaxValue ? (int)count : count }, { "ok", 1.0 } };
    }

    public Reply Distinct(Request request)
    {
        var path = DocumentPath.Split(request.Text("key") ?? throw MongoRefusal.FailedToParse("distinct needs 'key'"));
        var seen = new HashSet<byte[]>(ByteKeys.Instance);
        var values = new BsonArray();
        long size = 0;
        foreach (var bytes in Executor.Find(catalog.Find(request.Namespace), QueryOf(request)))
            DocumentPath.Any(Bson.View(bytes), path, false, null, value =>
            {
                foreach (var element in value is null ? [] : value as BsonArray ?? [value])
                {
                    var key = KeyWriter.Of(element);
                    if (seen.Add(key) && (size += key.Length) < BsonCheck.MaxDocumentBytes) values.Add(Bson.Copy(element));
                }
                return false;
            });
        if (size >= BsonCheck.MaxDocumentBytes) throw MongoRefusal.Location(17217, "distinct too big, 16mb cap");
        return new BsonDocument { { "values", values }, { "ok", 1.0 } };
    }

    public Reply Aggregate(Request request)
    {
        var pipeline = Pipeline.Parse(request.Array("pipeline") ?? throw MongoRefusal.TypeMismatch("'pipeline' option must be specified as an array"), request.Value("hint"));
        if (request.Argument is not BsonString)
            throw new MongoRefusal(73, "InvalidNamespace", "aggregation without a collection is not supported by this local store");
        var cursor = request.Document("cursor");
        var found = Executor.Find(catalog.Find(request.Namespace), pipeline.Source);
        var documents = pipeline.Stages.Count == 0 ? found : pipeline.Run(found.Select(Bson.View)).Select(Bson.Write);
        var size = cursor is not null && cursor.TryGetValue("batchSize", out var given) ? Values.ToInteger(given, "batchSize") : (long?)null;
        return cursors.Start(request.Namespace, documents, size, false);
    }

    private static long? BatchSize(Request request) => request.Value("batchSize") is null ? null : request.Integer("batchSize", 0) is >= 0 and var size ? size : throw MongoRefusal.BadValue("batchSize must be non-negative");
}
