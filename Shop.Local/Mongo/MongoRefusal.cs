namespace Shop.Local.Mongo;

/// <summary>A request refused with MongoDB's own code, name and words. Caught once per command or per statement, never further in.</summary>
internal sealed class MongoRefusal(int code, string codeName, string message) : Exception(message)
{
    public int Code { get; } = code;
    public string CodeName { get; } = codeName;
    public BsonDocument? KeyPattern { get; init; }
    public BsonDocument? KeyValue { get; init; }

    public static MongoRefusal BadValue(string message) => new(2, "BadValue", message);
    public static MongoRefusal FailedToParse(string message) => new(9, "FailedToParse", message);
    public static MongoRefusal TypeMismatch(string message) => new(14, "TypeMismatch", message);
    public static MongoRefusal IllegalOperation(string message) => new(20, "IllegalOperation", message);
    public static MongoRefusal NamespaceNotFound(string message) => new(26, "NamespaceNotFound", message);
    public static MongoRefusal PathNotViable(string message) => new(28, "PathNotViable", message);
    public static MongoRefusal ConflictingUpdate(string path, string other) => new(40, "ConflictingUpdateOperators", $"Updating the path '{path}' would create a conflict at '{other}'");
    public static MongoRefusal NamespaceExists(string message) => new(48, "NamespaceExists", message);
    public static MongoRefusal ImmutableField(string message) => new(66, "ImmutableField", message);
    public static MongoRefusal InvalidOptions(string message) => new(72, "InvalidOptions", message);
    public static MongoRefusal NotSupported(string message) => new(115, "CommandNotSupported", message);
    public static MongoRefusal PlanKilled(string message) => new(175, "QueryPlanKilled", message);
    /// <summary>Errors that MongoDB names after their number.</summary>
    public static MongoRefusal Location(int code, string message) => new(code, $"Location{code}", message);
    public static MongoRefusal DuplicateKey(string collection, string index, BsonDocument pattern, BsonDocument value) =>
        new(11000, "DuplicateKey", $"E11000 duplicate key error collection: {collection} index: {index} dup key: {value.ToJson()}") { KeyPattern = pattern, KeyValue = value };

    /// <summary>Whether a failure concerns one request alone: one of a shape that nobody thought of costs its sender an error, never the other connections.</summary>
    public static bool CanAnswer(Exception failure) => failure is not (MongoRefusal or IOException or OutOfMemoryException);
    public static MongoRefusal Internal(Exception bug) => new(1, "InternalError", $"{bug.GetType().Name}: {bug.Message}");

    public BsonDocument ToReply() => WithKey(new() { { "ok", 0.0 }, { "errmsg", Message }, { "code", Code }, { "codeName", CodeName } });

    public BsonDocument ToWriteError(int index) => WithKey(new() { { "index", index }, { "code", Code }, { "errmsg", Message } });

    private BsonDocument WithKey(BsonDocument error) =>
        KeyPattern is null ? error : error.AddRange(new BsonDocument { { "keyPattern", KeyPattern }, { "keyValue", KeyValue } });
}
