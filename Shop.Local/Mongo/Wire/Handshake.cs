namespace Shop.Local.Mongo.Wire;

/// <summary>What the store says it is: a standalone server, so that drivers leave out retryable writes and transactions.</summary>
internal static class Handshake
{
    public const int MaxMessageBytes = 48_000_000;
    public const int MaxWriteBatchSize = 100_000;
    public const string Version = "7.0.0";

    public static BsonDocument BuildInfo => new()
    {
        { "version", Version }, { "gitVersion", "shop-local" }, { "versionArray", new BsonArray { 7, 0, 0, 0 } }, { "bits", 64 },
        { "maxBsonObjectSize", BsonCheck.MaxDocumentBytes }, { "modules", new BsonArray() }
    };

    public static BsonDocument Reply(long connectionId, bool legacy, TimeProvider time) => new()
    {
        { "helloOk", true }, { legacy ? "ismaster" : "isWritablePrimary", true }, { "maxBsonObjectSize", BsonCheck.MaxDocumentBytes },
        { "maxMessageSizeBytes", MaxMessageBytes }, { "maxWriteBatchSize", MaxWriteBatchSize }, { "localTime", new BsonDateTime(time.GetUtcNow().UtcDateTime) },
        { "logicalSessionTimeoutMinutes", 30 }, { "connectionId", (int)connectionId }, { "minWireVersion", 0 }, { "maxWireVersion", 21 }, { "readOnly", false }
    };
}
