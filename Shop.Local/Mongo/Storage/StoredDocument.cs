namespace Shop.Local.Mongo.Storage;

/// <summary>From what a client sends to the bytes that are kept: <c>_id</c> first, and none that cannot be one.</summary>
internal static class StoredDocument
{
    /// <summary>The document itself when it is as it shall be; with a new ObjectId where there is no <c>_id</c>. An <c>_id</c> may not be an array, a regex or undefined.</summary>
    public static RawValue From(RawValue document)
    {
        RefuseTooLarge(document.Length);
        var id = document.Field("_id"u8);
        if (id.Type is BsonType.Array or BsonType.RegularExpression or BsonType.Undefined)
            throw MongoRefusal.BadValue($"The '_id' value cannot be of type {TypeOrder.Name(id.Type)}");
        foreach (var (field, _) in id)
            if (field.IsOperator) throw new MongoRefusal(52, "DollarPrefixedFieldName", "_id fields may not contain '$'-prefixed fields");
        return document.TryFirst(out var first) && first.Name.SequenceEqual("_id"u8) ? document
            : WithId(id.IsMissing ? ObjectId.GenerateNewId() : id.ToBson(), document);
    }

    /// <summary>A document with this <c>_id</c> in front, whatever its own.</summary>
    public static RawValue WithId(BsonValue id, RawValue document)
    {
        var result = new BsonDocument { AllowDuplicateNames = true };
        result.Add("_id", id);
        foreach (var (field, value) in document) if (!field.Name.SequenceEqual("_id"u8)) result.Add(field.Text, value.ToBson());
        return RawValue.Of(result);
    }

    /// <exception cref="MongoRefusal">The document is larger or nested more deeply than MongoDB's limits.</exception>
    public static RawValue Checked(RawValue document)
    {
        RefuseTooLarge(document.Length);
        return BsonCheck.IsDocument(document.Bytes) ? document : throw new MongoRefusal(15, "Overflow", "the document exceeds the maximum nesting depth");
    }

    private static void RefuseTooLarge(int length)
    {
        if (length > BsonCheck.MaxDocumentBytes)
            throw new MongoRefusal(10334, "BSONObjectTooLarge", $"object to insert too large. size in bytes: {length}, max size: {BsonCheck.MaxDocumentBytes}");
    }
}
