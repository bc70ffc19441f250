using Shop.Local.Mongo.Aggregation;
using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Commands;

/// <summary>find, getMore, killCursors, count, distinct, aggregate.</summary>
internal sealed class ReadCommands(Catalog catalog, Cursors cursors)
{
    public BsonDocument Find(Request request)
    {
        var query = QueryOf(request);
        var projection = Projection.Parse(request.Document("projection"));
        var found = Executor.Find(catalog.Find(request.Namespace), query);
        var documents = projection is null ? found : found.Select(bytes => projection.Apply(RawValue.Document(bytes).ToDocument()).ToBson());
        return cursors.Start(request.Namespace, documents, BatchSize(request.Value("batchSize")), request.Flag("singleBatch") || request.Integer("limit", 0) < 0);
    }

    /// <summary>What find, count and distinct ask for.</summary>
    public static Query QueryOf(Request request)
    {
        var sort = request.Document("sort");
        var hint = HintOf(request);
        // Insertion order is what a walk without an index yields anyway.
        if (sort.TryFirst(out var first) && first.Name.SequenceEqual("$natural"u8))
        {
            if (Values.ToInteger(first.Value.ToBson(), "$natural") != 1)
                throw MongoRefusal.NotSupported("a descending $natural sort is not supported");
            (sort, hint) = (default, sort.ToDocument());
        }
        var filter = request.Document("filter") is { IsMissing: false } given ? given : request.Document("query");
        var skip = request.Integer("skip", 0) is >= 0 and var count ? count : throw MongoRefusal.BadValue("Skip value must be non-negative");
        // The filter lives as long as the cursor, the message does not.
        return new Query(FilterParser.Parse(filter.Detached()), SortOrder.Parse(sort), skip, Math.Abs(request.Integer("limit", 0)), hint);
    }

    /// <summary>The name or the key of an index, or <c>$natural</c>.</summary>
    public static BsonValue? HintOf(Request request) => request.Value("hint") is { IsNothing: false } hint && !(hint.IsDocument && !hint.TryFirst(out _)) ? hint.ToBson() : null;

    public BsonDocument GetMore(Request request)
    {
        var name = $"{request.Database}.{request.Text("collection") ?? throw MongoRefusal.FailedToParse("getMore needs 'collection'")}";
        var size = request.Integer("batchSize", 0);
        return cursors.More(request.Integer("getMore", 0), name, size > 0 ? size : null);
    }

    public BsonDocument KillCursors(Request request)
    {
        var ids = request.Array("cursors") ?? throw MongoRefusal.FailedToParse("killCursors needs 'cursors'");
        var killed = ids.ToLookup(id => cursors.Kill(Values.ToInteger(id, "cursors")));
        return new BsonDocument
        {
            { "cursorsKilled", new BsonArray(killed[true]) }, { "cursorsNotFound", new BsonArray(killed[false]) },
            { "cursorsAlive", new BsonArray() }, { "cursorsUnknown", new BsonArray() }
        };
    }

    public BsonDocument Count(Request request)
    {
        var query = QueryOf(request);
        var collection = catalog.Find(request.Namespace);
        long count;
        if (collection is not null && query is { IsUnfiltered: true, Skip: 0, Limit: 0 })
            lock (collection.Gate)
                count = collection.Count;
        else count = Executor.Find(collection, query).LongCount();
        return new BsonDocument("n", count <= int.MaxValue ? (int)count : count);
    }

    public BsonDocument Distinct(Request request)
    {
        var path = new FieldPath(request.Text("key") ?? throw MongoRefusal.FailedToParse("distinct needs 'key'"));
        var found = new DistinctValues();
        foreach (var bytes in Executor.Find(catalog.Find(request.Namespace), QueryOf(request))) path.Any(RawValue.Document(bytes), found, false, null);
        return new BsonDocument("values", found.Values);
    }

    public BsonDocument Aggregate(Request request)
    {
        var pipeline = Pipeline.Parse(request.Array("pipeline") ?? throw MongoRefusal.TypeMismatch("'pipeline' option must be specified as an array"), HintOf(request));
        if (!request.Argument.IsText)
            throw new MongoRefusal(73, "InvalidNamespace", "aggregation without a collection is not supported by this local store");
        var documents = pipeline.Run(Executor.Find(catalog.Find(request.Namespace), pipeline.Source));
        return cursors.Start(request.Namespace, documents, BatchSize(request.Document("cursor").Field("batchSize"u8)), false);
    }

    private static long? BatchSize(RawValue given) => given.IsNothing ? null
        : Values.ToInteger(given.ToBson(), "batchSize") is >= 0 and var size ? size : throw MongoRefusal.BadValue("batchSize must be non-negative");

    /// <summary>Takes every value that it is shown, the elements of arrays singly.</summary>
    private sealed record DistinctValues : Condition
    {
        private readonly HashSet<byte[]> seen = new(ByteKeys.Instance);
        private long size;

        public BsonArray Values { get; } = [];

        public override bool Accepts(RawValue value)
        {
            if (value.IsArray)
                foreach (var (_, element) in value) Add(element);
            else if (!value.IsMissing) Add(value);
            return false;
        }

        private void Add(RawValue value)
        {
            if (!seen.Add(KeyWriter.Of(value))) return;
            size += value.Length;
            if (size >= BsonCheck.MaxDocumentBytes) throw MongoRefusal.Location(17217, "distinct too big, 16mb cap");
            Values.Add(value.ToBson());
        }
    }
}
