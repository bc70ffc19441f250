namespace Shop.Local.Mongo.Storage;

/// <summary>An index as <c>createIndexes</c> asks for it and <c>listIndexes</c> shows it.</summary>
internal sealed class IndexDefinition
{
    private static readonly HashSet<string> Ignored = ["v", "key", "name", "unique", "background", "ns"];

    private IndexDefinition(BsonDocument spec)
    {
        Spec = spec;
        Name = spec["name"].AsString;
        Key = spec["key"].AsBsonDocument;
        Paths = [.. Key.Names.Select(name => new FieldPath(name))];
        Descending = [.. Key.Values.Select(direction => Values.ToDouble(direction) < 0)];
        Unique = Values.IsTrue(spec.GetValue("unique", BsonNull.Value));
    }

    public static IndexDefinition Id { get; } = new(new BsonDocument { { "v", 2 }, { "key", new BsonDocument("_id", 1) }, { "name", "_id_" } });

    public BsonDocument Spec { get; }
    public string Name { get; }
    public BsonDocument Key { get; }
    public FieldPath[] Paths { get; }
    public bool[] Descending { get; }
    public bool Unique { get; }
    public bool IsId => Name == "_id_";
    /// <summary>Refuses what would be answered wrongly if it were accepted and ignored: TTL, partial, sparse, text, geo, hashed, wildcard, collation.</summary>
    public static IndexDefinition Parse(BsonDocument spec)
    {
        if (!spec.TryGetValue("key", out var keyValue) || keyValue is not BsonDocument { ElementCount: > 0 and <= 32 } key)
            throw new MongoRefusal(67, "CannotCreateIndex", "Index keys must be an object with 1 to 32 fields");
        foreach (var field in key)
        {
            if (!TypeOrder.IsNumber(field.Value) || Values.ToDouble(field.Value) is 0 or double.NaN)
                throw new MongoRefusal(67, "CannotCreateIndex", $"Index type '{field.Value}' of field '{field.Name}' is not supported: 1 or -1");
            if (field.Name.Length == 0 || field.Name.Split('.').Any(part => part.Length == 0 || part[0] == '$'))
                throw new MongoRefusal(67, "CannotCreateIndex", $"Index key contains an illegal field name: '{field.Name}'");
        }
        if (spec.Names.FirstOrDefault(name => !Ignored.Contains(name)) is { } unknown)
            throw new MongoRefusal(197, "InvalidIndexSpecificationOption", $"The field '{unknown}' is not supported for an index specification");
        if (!spec.TryGetValue("name", out var name) || name is not BsonString { Value.Length: > 0 })
            throw MongoRefusal.FailedToParse("The 'name' field is a required property of an index specification");
        var kept = new BsonDocument { { "v", 2 }, { "key", key }, { "name", name } };
        if (Values.IsTrue(spec.GetValue("unique", BsonNull.Value))) kept["unique"] = true;
        return new IndexDefinition(kept);
    }

    public bool SameKey(BsonDocument key) => Values.Same(Key, key) && Key.Names.SequenceEqual(key.Names, StringComparer.Ordinal);
}
