namespace Shop.Local.Mongo.Documents;

/// <summary>The order of BSON types among each other (MongoDB manual, "Comparison/Sort Order"). Zero ends a list, so it is no type.</summary>
internal static class TypeOrder
{
    public const byte Undefined = 4;
    public const byte Null = 5;
    public const byte Number = 10;
    public const byte MinKey = 1;
    public const byte MaxKey = 127;

    public static byte Of(BsonType type) => type switch
    {
        BsonType.MinKey => MinKey,
        BsonType.Undefined => Undefined,
        BsonType.Null => Null,
        BsonType.Int32 or BsonType.Int64 or BsonType.Double or BsonType.Decimal128 => Number,
        BsonType.String or BsonType.Symbol => 15,
        BsonType.Document => 20,
        BsonType.Array => 25,
        BsonType.Binary => 30,
        BsonType.ObjectId => 35,
        BsonType.Boolean => 40,
        BsonType.DateTime => 45,
        BsonType.Timestamp => 47,
        BsonType.RegularExpression => 50,
        BsonType.JavaScript => 60,
        BsonType.JavaScriptWithScope => 65,
        BsonType.MaxKey => MaxKey,
        _ => throw MongoRefusal.BadValue($"unknown BSON type {type}")
    };

    public static byte Of(BsonValue value) => Of(value.BsonType);

    public static bool IsNumber(BsonType type) => type is BsonType.Int32 or BsonType.Int64 or BsonType.Double or BsonType.Decimal128;

    public static bool IsNumber(BsonValue? value) => value is not null && IsNumber(value.BsonType);

    public static string Name(BsonValue? value) => Name(value?.BsonType ?? BsonType.EndOfDocument);

    /// <summary>The name that <c>$type</c> and error texts use.</summary>
    public static string Name(BsonType type) => type switch
    {
        BsonType.EndOfDocument => "missing",
        BsonType.Document => "object",
        BsonType.Binary => "binData",
        BsonType.ObjectId => "objectId",
        BsonType.Boolean => "bool",
        BsonType.DateTime => "date",
        BsonType.RegularExpression => "regex",
        BsonType.JavaScript => "javascript",
        BsonType.JavaScriptWithScope => "javascriptWithScope",
        BsonType.Int32 => "int",
        BsonType.Int64 => "long",
        BsonType.Decimal128 => "decimal",
        BsonType.MinKey => "minKey",
        BsonType.MaxKey => "maxKey",
        _ => type.ToString().ToLowerInvariant()
    };
}
