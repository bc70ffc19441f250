using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Commands;

/// <summary>Collections and indexes: create, drop, rename, list.</summary>
internal sealed class CatalogCommands(Catalog catalog, Cursors cursors)
{
    private const int MaxIndexes = 64;

    public BsonDocument Create(Request request)
    {
        catalog.Create(request.Namespace, true);
        return [];
    }

    public BsonDocument Drop(Request request)
    {
        if (catalog.Find(request.Namespace) is not { } collection) return [];
        catalog.Drop(collection);
        return new BsonDocument { { "nIndexesWas", collection.Indexes.Count }, { "ns", request.Namespace } };
    }

    public BsonDocument DropDatabase(Request request)
    {
        foreach (var collection in Of(request.Database).ToList()) catalog.Drop(collection);
        return new BsonDocument("dropped", request.Database);
    }

    public BsonDocument Rename(Request request)
    {
        if (request.Argument is not { IsText: true } from || request.Text("to") is not { } to)
            throw MongoRefusal.TypeMismatch("renameCollection needs the names of two collections");
        catalog.Rename(from.Text, to, request.Flag("dropTarget"));
        return [];
    }

    public BsonDocument CreateIndexes(Request request)
    {
        var wanted = (request.Array("indexes") ?? []).Select(spec => IndexDefinition.Parse(spec as BsonDocument
            ?? throw MongoRefusal.TypeMismatch("an index specification must be an object"))).ToList();
        if (wanted.Count == 0) throw MongoRefusal.BadValue("Must specify at least one index to create");
        lock (catalog.Gate)
        {
            var created = catalog.Find(request.Namespace) is null;
            var collection = catalog.FindOrCreate(request.Namespace);
            lock (collection.Gate)
            {
                var before = collection.Indexes.Count;
                try
                {
                    foreach (var definition in wanted) Add(collection, definition);
                }
                catch (MongoRefusal)
                {
                    collection.Indexes.RemoveRange(before, collection.Indexes.Count - before);
                    collection.Pending.Clear();
                    throw;
                }
                catalog.Commit(collection.Pending);
                return new BsonDocument { { "numIndexesBefore", before }, { "numIndexesAfter", collection.Indexes.Count }, { "createdCollectionAutomatically", created } };
            }
        }
    }

    public BsonDocument DropIndexes(Request request)
    {
        var collection = catalog.Find(request.Namespace) ?? throw MongoRefusal.NamespaceNotFound($"ns not found {request.Namespace}");
        lock (catalog.Gate)
            lock (collection.Gate)
            {
                var before = collection.Indexes.Count;
                var chosen = Chosen(collection, request.Value("index") is { IsMissing: false } which ? which.ToBson() : BsonNull.Value);
                if (chosen.Contains(collection.IdIndex)) throw MongoRefusal.InvalidOptions("cannot drop _id index");
                foreach (var index in chosen)
                {
                    collection.Indexes.Remove(index);
                    collection.Pending.DropIndex(collection.Id, index.Definition.Name);
                }
                catalog.Commit(collection.Pending);
                return new BsonDocument("nIndexesWas", before);
            }
    }

    public BsonDocument ListIndexes(Request request)
    {
        var collection = catalog.Find(request.Namespace) ?? throw MongoRefusal.NamespaceNotFound($"ns does not exist: {request.Namespace}");
        lock (collection.Gate)
            return cursors.Start(request.Namespace, collection.Indexes.Select(index => index.Definition.Spec.ToBson()).ToList(), null, false);
    }

    public BsonDocument ListCollections(Request request)
    {
        var filter = FilterParser.Parse(request.Document("filter"));
        var list = Of(request.Database).Select(collection => new BsonDocument
        {
            { "name", collection.Namespace[(request.Database.Length + 1)..] }, { "type", "collection" }, { "options", new BsonDocument() },
            { "info", new BsonDocument { { "readOnly", false }, { "uuid", new BsonBinaryData(collection.Uuid, GuidRepresentation.Standard) } } },
            { "idIndex", IndexDefinition.Id.Spec }
        }).Where(document => filter.Matches(RawValue.Of(document))).OrderBy(document => document["name"].AsString, StringComparer.Ordinal);
        return cursors.Start($"{request.Database}.$cmd.listCollections", list.Select(document => document.ToBson()).ToList(), null, false);
    }

    public BsonDocument ListDatabases(Request request)
    {
        var filter = FilterParser.Parse(request.Document("filter"));
        var sizes = catalog.Collections.GroupBy(collection => collection.Namespace[..collection.Namespace.IndexOf('.', StringComparison.Ordinal)], StringComparer.Ordinal)
            .Select(group => new BsonDocument { { "name", group.Key }, { "sizeOnDisk", group.Sum(collection => collection.DataBytes) }, { "empty", false } })
            .Where(document => filter.Matches(RawValue.Of(document))).OrderBy(document => document["name"].AsString, StringComparer.Ordinal).ToList();
        return new BsonDocument { { "databases", new BsonArray(sizes) }, { "totalSize", sizes.Sum(size => size["sizeOnDisk"].AsInt64) } };
    }

    private IEnumerable<Collection> Of(string database) => catalog.Collections.Where(collection => collection.Namespace.StartsWith(database + ".", StringComparison.Ordinal));

    private static void Add(Collection collection, IndexDefinition definition)
    {
        if (definition.SameKey(IndexDefinition.Id.Key)) return;
        foreach (var existing in collection.Indexes.Select(index => index.Definition))
        {
            var sameOptions = existing.SameKey(definition.Key) && existing.Unique == definition.Unique;
            if (sameOptions && existing.Name == definition.Name) return;
            if (existing.Name == definition.Name)
                throw new MongoRefusal(86, "IndexKeySpecsConflict", $"An existing index has the same name as the requested index: {definition.Name}");
            if (existing.SameKey(definition.Key))
                throw new MongoRefusal(85, "IndexOptionsConflict", $"Index already exists with a different name: {existing.Name}");
        }
        if (collection.Indexes.Count >= MaxIndexes)
            throw new MongoRefusal(67, "CannotCreateIndex", $"add index fails, too many indexes for {collection.Namespace}");
        collection.AddIndex(definition);
        collection.Pending.CreateIndex(collection.Id, definition);
    }

    private static List<OrderedIndex> Chosen(Collection collection, BsonValue which)
    {
        if (which is BsonString { Value: "*" }) return collection.Indexes[1..];
        return [.. (which as BsonArray ?? [which]).Select(one => collection.IndexOf(one) ?? throw new MongoRefusal(27, "IndexNotFound", $"index not found with name [{one}]"))];
    }
}
