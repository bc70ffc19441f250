namespace Shop.Local.Mongo.Commands;

/// <summary>Options that would change the result and are not implemented are refused rather than overlooked.</summary>
internal static class CommandOptions
{
    public static void RefuseUnsupported(RawValue command)
    {
        foreach (var (option, value) in command)
            switch (FieldPath.Of(option.Name).Text)
            {
                case "startTransaction" or "autocommit" or "txnNumber":
                    throw MongoRefusal.IllegalOperation("Transaction numbers are only allowed on a replica set member or mongos");
                case "let" or "tailable" or "awaitData" or "min" or "max" or "returnKey" or "showRecordId" or "validator" or "timeseries" or "viewOn" or "capped" or "encryptionInformation"
                    when Values.IsTrue(value) && !(value.IsDocument && !value.TryFirst(out _)):
                    throw MongoRefusal.NotSupported($"option '{option.Text}' is not supported by this local store");
                case "collation" when value.TryFirst(out _) && value.Field("locale"u8) is not { IsText: true, Text: "simple" }:
                    throw MongoRefusal.NotSupported("a collation other than 'simple' is not supported by this local store");
                case "readConcern" when value.Field("level"u8) is { IsText: true, Text: "snapshot" or "linearizable" } level:
                    throw new MongoRefusal(148, "ReadConcernMajorityNotEnabled", $"read concern '{level.Text}' is not supported by a standalone store");
            }
    }
}

/// <summary>How far a write must have come before it is answered. In the log file it always is; on the disk for <c>j: true</c>.</summary>
internal static class WriteConcern
{
    /// <summary>Whether the answer has to wait for the disk.</summary>
    public static bool IsJournaled(Request request)
    {
        var concern = request.Document("writeConcern");
        var w = concern.Field("w"u8);
        if (TypeOrder.IsNumber(w.Type) && Values.ToInteger(w.ToBson(), "w") is < 0 or > 1)
            throw MongoRefusal.BadValue("cannot use 'w' > 1 when a host is not replicated");
        if (w is { IsText: true, Text: not "majority" })
            throw new MongoRefusal(79, "UnknownReplWriteConcern", $"cannot use non-majority 'w' mode '{w.Text}' when a host is not a member of a replica set");
        return Values.IsTrue(concern.Field("j"u8));
    }
}
