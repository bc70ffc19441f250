namespace Shop.Local.Mongo.Storage;

/// <summary>Rebuilds the collections from the log; secondary indexes are built once, at the end.</summary>
internal sealed class Replay
{
    private readonly Dictionary<int, Collection> collections = [];

    public int LastId { get; private set; }

    public void Apply(ArraySegment<byte> payload)
    {
        foreach (var (kind, id, document) in ChangeBatch.Parse(payload))
        {
            LastId = Math.Max(LastId, id);
            if (kind == ChangeKind.Create) Create(id, document.ToDocument());
            else if (collections.TryGetValue(id, out var collection)) Apply(kind, collection, document);
        }
    }

    public IEnumerable<Collection> Finish()
    {
        foreach (var collection in collections.Values) collection.FillIndexes();
        return collections.Values;
    }

    private void Create(int id, BsonDocument head) => collections.TryAdd(id, new Collection(id, head["ns"].AsString, head["uuid"].AsGuid));

    private void Apply(ChangeKind kind, Collection collection, RawValue document)
    {
        switch (kind)
        {
            case ChangeKind.Put: collection.Restore(document); break;
            case ChangeKind.Delete: collection.RestoreDelete(document); break;
            case ChangeKind.Drop: collections.Remove(collection.Id); break;
            case ChangeKind.Rename: collection.Namespace = document.ToDocument()["ns"].AsString; break;
            case ChangeKind.CreateIndex: collection.Declare(IndexDefinition.Parse(document.ToDocument())); break;
            case ChangeKind.DropIndex:
                var name = document.ToDocument()["name"].AsString;
                collection.Indexes.RemoveAll(index => index.Definition.Name == name);
                break;
            default: throw new DataDirectoryException($"The log holds a change of kind {(int)kind}, which this version does not know.");
        }
    }
}
