using System.Buffers.Binary;
using System.Text;
using MongoDB.Bson.IO;
using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Serializers;

namespace Shop.Local.Mongo.Documents;

/// <summary>Between bytes that <see cref="BsonCheck"/> has passed and documents.</summary>
internal static class Bson
{
    public static BsonDocument Read(byte[] bytes)
    {
        using var stream = new ByteBufferStream(new ByteArrayBuffer(bytes, true));
        using var reader = new BsonBinaryReader(stream);
        return BsonDocumentSerializer.Instance.Deserialize(BsonDeserializationContext.CreateRoot(reader, builder => builder.AllowDuplicateElementNames = true));
    }

    /// <summary>A view that parses only the fields asked for; nothing of it outlives the request.</summary>
    public static BsonDocument View(byte[] bytes) => new RawBsonDocument(bytes);
    /// <summary>The <c>_id</c> of a stored document, which is its first field; the usual types without a parser.</summary>
    public static BsonValue IdOf(byte[] bytes)
    {
        const int Value = 9;
        if (!bytes.AsSpan(5).StartsWith("_id\0"u8)) return View(bytes)["_id"];
        return bytes[4] switch
        {
            0x02 => Encoding.UTF8.GetString(bytes, Value + 4, BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(Value)) - 1),
            0x07 => new ObjectId(bytes[Value..(Value + 12)]),
            0x10 => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(Value)),
            0x12 => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(Value)),
            _ => View(bytes)["_id"]
        };
    }

    public static byte[] Write(BsonDocument document)
    {
        if (document is RawBsonDocument raw)
        {
            var slice = raw.Slice;
            var bytes = new byte[slice.Length];
            slice.GetBytes(0, bytes, 0, bytes.Length);
            return bytes;
        }
        return document.ToBson();
    }

    /// <summary>A copy that may be changed, nested documents included.</summary>
    public static BsonDocument Mutable(BsonDocument document) => document is RawBsonDocument ? Read(Write(document)) : document.DeepClone().AsBsonDocument;

    public static BsonValue Copy(BsonValue value) => value switch
    {
        RawBsonDocument document => Mutable(document),
        BsonDocument or BsonArray => value.DeepClone(),
        _ => value
    };

    /// <summary>Stored documents begin with their <c>_id</c>; one without gets an ObjectId. An <c>_id</c> may not be an array, a regex or undefined.</summary>
    public static BsonDocument WithId(BsonDocument document)
    {
        if (!document.TryGetValue("_id", out var id))
        {
            var copy = Mutable(document);
            copy.InsertAt(0, new BsonElement("_id", ObjectId.GenerateNewId()));
            return copy;
        }
        if (id is BsonArray or BsonRegularExpression or BsonUndefined)
            throw MongoRefusal.BadValue($"The '_id' value cannot be of type {TypeOrder.Name(id)}");
        if (id is BsonDocument nested && nested.Names.Any(name => name.StartsWith('$')))
            throw new MongoRefusal(52, "DollarPrefixedFieldName", "_id fields may not contain '$'-prefixed fields");
        if (document.GetElement(0).Name == "_id") return document;
        var reordered = Mutable(document);
        reordered.Remove("_id");
        reordered.InsertAt(0, new BsonElement("_id", Copy(id)));
        return reordered;
    }
}
