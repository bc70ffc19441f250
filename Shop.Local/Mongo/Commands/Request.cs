using System.Text;
using Shop.Local.Mongo.Wire;

namespace Shop.Local.Mongo.Commands;

/// <summary>A command as it came, or a statement of one: fields that are looked at where they lie in the message.</summary>
/// <param name="Body">The document.</param>
/// <param name="Database">The database that the command is for.</param>
/// <param name="Sequences">Lists that came beside the document (OP_MSG's sections of kind 1).</param>
/// <param name="ConnectionId">Whose command it is.</param>
internal sealed record Request(RawValue Body, string Database, IReadOnlyDictionary<string, List<RawValue>> Sequences, long ConnectionId)
{
    private static readonly Dictionary<string, List<RawValue>> None = [];

    /// <summary>The name of the command, which is that of its first field.</summary>
    public string Name => Body.TryFirst(out var first) ? first.Text : "";
    public RawValue Argument => Body.TryFirst(out var first) ? first.Value : default;

    /// <summary>The namespace that the command's first value names within its database.</summary>
    public string Namespace => Argument is { IsText: true, Length: > 5 } name ? $"{Database}.{name.Text}"
        : throw new MongoRefusal(73, "InvalidNamespace", $"collection name has invalid type {TypeOrder.Name(Argument.Type)}");

    public static Request Statement(RawValue statement) => new(statement, "", None, 0);

    public RawValue Value(string field)
    {
        foreach (var element in Body) if (Ascii.Equals(element.Name, field)) return element.Value;
        return default;
    }

    /// <summary>Missing when it is missing or null.</summary>
    public RawValue Document(string field) => Optional(field, BsonType.Document);
    public BsonArray? Array(string field) => Optional(field, BsonType.Array) is { IsMissing: false } array ? array.ToArray() : null;
    public string? Text(string field) => Optional(field, BsonType.String) is { IsMissing: false } text ? text.Text : null;
    public bool Flag(string field) => Values.IsTrue(Value(field));
    public long Integer(string field, long otherwise) => Value(field) is { IsNothing: false } value ? Values.ToInteger(value.ToBson(), field) : otherwise;

    /// <summary>A list of documents that a write command must have, in its body or beside it.</summary>
    public List<RawValue> List(string field)
    {
        if (!Sequences.TryGetValue(field, out var list)) list = ListInBody(Value(field), field);
        return list.Count is > 0 and <= Handshake.MaxWriteBatchSize ? list
            : throw new MongoRefusal(16, "InvalidLength", $"Write batch sizes must be between 1 and {Handshake.MaxWriteBatchSize}. Got {list.Count} operations in '{field}'.");
    }

    private static List<RawValue> ListInBody(RawValue array, string field)
    {
        var list = new List<RawValue>();
        foreach (var (_, document) in array) list.Add(document.IsDocument ? document : throw Wrong(field, document.Type, "object"));
        return list;
    }

    private RawValue Optional(string field, BsonType expected)
    {
        var value = Value(field);
        return value.IsNothing ? default : value.Type == expected ? value : throw Wrong(field, value.Type, TypeOrder.Name(expected));
    }

    private static MongoRefusal Wrong(string field, BsonType type, string expected) =>
        MongoRefusal.TypeMismatch($"BSON field '{field}' is the wrong type '{TypeOrder.Name(type)}', expected type '{expected}'");
}
