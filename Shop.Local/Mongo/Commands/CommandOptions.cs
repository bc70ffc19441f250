namespace Shop.Local.Mongo.Commands;

/// <summary>Options that would change the result and are not implemented are refused rather than overlooked.</summary>
internal static class CommandOptions
{
    private static readonly string[] Unsupported = ["let", "tailable", "awaitData", "min", "max", "returnKey", "showRecordId", "validator", "timeseries", "viewOn", "capped", "encryptionInformation"];

    public static void RefuseUnsupported(BsonDocument command)
    {
        if (command.Contains("startTransaction") || command.Contains("autocommit") || command.Contains("txnNumber"))
            throw MongoRefusal.IllegalOperation("Transaction numbers are only allowed on a replica set member or mongos");
        foreach (var option in Unsupported)
            if (command.TryGetValue(option, out var value) && (Values.IsTrue(value) && value is not BsonDocument { ElementCount: 0 }))
                throw MongoRefusal.NotSupported($"option '{option}' is not supported by this local store");
        if (command.TryGetValue("collation", out var collation) && collation is BsonDocument { ElementCount: > 0 } rules && rules.GetValue("locale", "") != "simple")
            throw MongoRefusal.NotSupported("a collation other than 'simple' is not supported by this local store");
        if (command.TryGetValue("readConcern", out var concern) && concern is BsonDocument level && level.GetValue("level", "local") is BsonString { Value: "snapshot" or "linearizable" } refused)
            throw new MongoRefusal(148, "ReadConcernMajorityNotEnabled", $"read concern '{refused.Value}' is not supported by a standalone store");
    }
}

/// <summary>How far a write must have come before it is answered. In the log file it always is; on the disk for <c>j: true</c>.</summary>
internal sealed record WriteConcern(bool Journaled)
{
    public static WriteConcern Parse(Request request)
    {
        if (request.Document("writeConcern") is not { } concern) return new WriteConcern(false);
        if (concern.TryGetValue("w", out var w))
        {
            if (TypeOrder.IsNumber(w) && Values.ToInteger(w, "w") is < 0 or > 1)
                throw MongoRefusal.BadValue("cannot use 'w' > 1 when a host is not replicated");
            if (w is BsonString mode && mode.Value != "majority")
                throw new MongoRefusal(79, "UnknownReplWriteConcern", $"cannot use non-majority 'w' mode '{mode.Value}' when a host is not a member of a replica set");
        }
        return new WriteConcern(Values.IsTrue(concern.GetValue("j", BsonNull.Value)));
    }
}
