namespace Shop.Local.Mongo.Commands;

/// <summary>A command as it came. Lists that can be long (documents, updates, deletes) arrive as raw documents, in the body or beside it.</summary>
internal sealed record Request(BsonDocument Body, IReadOnlyDictionary<string, List<byte[]>> Sequences, long ConnectionId)
{
    public string Name => Body.GetElement(0).Name;
    public BsonValue Argument => Body.GetElement(0).Value;
    public string Database => Text("$db") ?? "admin";
    /// <summary>The namespace that the command's first value names within its database.</summary>
    public string Namespace => Argument is BsonString { Value.Length: > 0 } name ? $"{Database}.{name.Value}"
        : throw new MongoRefusal(73, "InvalidNamespace", $"collection name has invalid type {TypeOrder.Name(Argument)}");

    public BsonDocument? Document(string field) => Value(field) switch
    {
        null or BsonNull => null,
        BsonDocument document => document,
        var other => throw Wrong(field, other, "object")
    };

    public BsonArray? Array(string field) => Value(field) switch
    {
        null or BsonNull => null,
        BsonArray array => array,
        var other => throw Wrong(field, other, "array")
    };

    public string? Text(string field) => Value(field) switch
    {
        null or BsonNull => null,
        BsonString text => text.Value,
        var other => throw Wrong(field, other, "string")
    };

    public BsonValue? Value(string field) => Body.TryGetValue(field, out var value) ? value : null;
    public bool Flag(string field) => Values.IsTrue(Value(field));
    public long Integer(string field, long otherwise) => Value(field) is null or BsonNull ? otherwise : Values.ToInteger(Value(field)!, field);

    public List<byte[]> List(string field) => Sequences.TryGetValue(field, out var list) && list.Count > 0
        ? list.Count <= Wire.Handshake.MaxWriteBatchSize ? list : throw MongoRefusal.BadValue($"Write batch sizes must be between 1 and {Wire.Handshake.MaxWriteBatchSize}")
        : throw new MongoRefusal(16, "InvalidLength", $"Write batch sizes must be between 1 and {Wire.Handshake.MaxWriteBatchSize}: '{field}' is empty");

    private static MongoRefusal Wrong(string field, BsonValue value, string expected) =>
        MongoRefusal.TypeMismatch($"BSON field '{field}' is the wrong type '{TypeOrder.Name(value)}', expected type '{expected}'");
}
