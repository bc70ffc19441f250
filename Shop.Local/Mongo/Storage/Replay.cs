namespace Shop.Local.Mongo.Storage;

/// <summary>Rebuilds the collections from the log; secondary indexes are built once, at the end.</summary>
internal sealed class Replay
{
    private readonly Dictionary<int, Collection> collections = [];
    private readonly Dictionary<int, Dictionary<string, IndexDefinition>> indexes = [];

    public int LastId { get; private set; }

    public void Apply(ReadOnlyMemory<byte> payload)
    {
        foreach (var (kind, id, document) in ChangeBatch.Parse(payload))
        {
            LastId = Math.Max(LastId, id);
            if (kind == ChangeKind.Create)
                Create(id, RawValue.Document(document).ToDocument());
            else if (collections.TryGetValue(id, out var collection)) Apply(kind, collection, document);
        }
    }

    public IEnumerable<Collection> Finish()
    {
        foreach (var (id, collection) in collections)
            foreach (var definition in indexes[id].Values)
            {
                var index = new OrderedIndex(definition);
                index.Build(collection.Natural.From(Bound.Start, false).Select(entry => entry.Record));
                collection.Indexes.Add(index);
            }
        return collections.Values;
    }

    private void Create(int id, BsonDocument document)
    {
        if (collections.ContainsKey(id)) return;
        collections[id] = new Collection(id, document["ns"].AsString, document["uuid"].AsGuid);
        indexes[id] = new(StringComparer.Ordinal);
    }

    private void Apply(ChangeKind kind, Collection collection, byte[] document)
    {
        switch (kind)
        {
            case ChangeKind.Put: collection.Restore(document); break;
            case ChangeKind.Delete: collection.RestoreDelete(document); break;
            case ChangeKind.Drop: collections.Remove(collection.Id); break;
            case ChangeKind.Rename: collection.Namespace = RawValue.Document(document).ToDocument()["ns"].AsString; break;
            case ChangeKind.CreateIndex:
                var definition = IndexDefinition.Parse(RawValue.Document(document).ToDocument());
                indexes[collection.Id][definition.Name] = definition;
                break;
            case ChangeKind.DropIndex: indexes[collection.Id].Remove(RawValue.Document(document).ToDocument()["name"].AsString); break;
            default: throw new DataDirectoryException($"The log holds a change of kind {(int)kind}, which this version does not know.");
        }
    }
}
