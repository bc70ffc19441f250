using MongoDB.Bson.IO;
using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Serializers;

namespace Shop.Local.Mongo.Commands;

/// <summary>A command's answer; stored documents go out as the bytes they are.</summary>
internal abstract record Reply
{
    public static Reply Ok { get; } = new DocumentReply(new BsonDocument("ok", 1.0));
    public static implicit operator Reply(BsonDocument document) => new DocumentReply(document);
    public abstract void Write(Stream output);
}

internal sealed record DocumentReply(BsonDocument Document) : Reply
{
    public override void Write(Stream output)
    {
        using var writer = new BsonBinaryWriter(output);
        BsonDocumentSerializer.Instance.Serialize(BsonSerializationContext.CreateRoot(writer), Document);
    }
}

internal sealed record CursorReply(string Namespace, long CursorId, string Field, IReadOnlyList<byte[]> Documents) : Reply
{
    public override void Write(Stream output)
    {
        using var writer = new BsonBinaryWriter(output);
        writer.WriteStartDocument();
        writer.WriteStartDocument("cursor");
        writer.WriteStartArray(Field);
        foreach (var document in Documents) writer.WriteRawBsonDocument(new ByteArrayBuffer(document, true));
        writer.WriteEndArray();
        writer.WriteInt64("id", CursorId);
        writer.WriteString("ns", Namespace);
        writer.WriteEndDocument();
        writer.WriteDouble("ok", 1);
        writer.WriteEndDocument();
    }
}
