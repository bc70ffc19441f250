using System.Diagnostics.CodeAnalysis;
using MongoDB.Bson;
using MongoDB.Bson.IO;
using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Serializers;
using Shop.Contracts.Views;

namespace Shop.ServiceDefaults.Data;

/// <summary>
/// The order's document, field by field: the same form that the class map has, at a fraction of its cost, because this one is written with every
/// event and read with every query. What it does not know (a newer writer's fields) it skips.
/// </summary>
internal sealed class OrderDocumentSerializer(BsonClassMapSerializer<OrderDocument> mapped) : SerializerBase<OrderDocument>, IBsonDocumentSerializer
{
    private static readonly BsonTrie<Field> names = NamesOf(
        ("_id", Field.Id), ("version", Field.Version), ("customerId", Field.CustomerId), ("customerName", Field.CustomerName),
        ("customerVersion", Field.CustomerVersion), ("orderDate", Field.OrderDate), ("totalAmount", Field.TotalAmount), ("status", Field.Status),
        ("paidAt", Field.PaidAt), ("shippedAt", Field.ShippedAt), ("cancelledAt", Field.CancelledAt), ("items", Field.Items),
        ("projectedAt", Field.ProjectedAt));

    private static readonly BsonTrie<Field> lineNames = NamesOf(
        ("productId", Field.ProductId), ("productName", Field.ProductName), ("productVersion", Field.ProductVersion), ("quantity", Field.Quantity),
        ("price", Field.Price));

    private enum Field
    {
        Unknown,
        Id,
        Version,
        CustomerId,
        CustomerName,
        CustomerVersion,
        OrderDate,
        TotalAmount,
        Status,
        PaidAt,
        ShippedAt,
        CancelledAt,
        Items,
        ProjectedAt,
        ProductId,
        ProductName,
        ProductVersion,
        Quantity,
        Price,
    }

    /// <summary>For filters and sorts that name members: how a member is stored is the class map's to say.</summary>
    public bool TryGetMemberSerializationInfo(string memberName, [NotNullWhen(true)] out BsonSerializationInfo? serializationInfo) =>
        mapped.TryGetMemberSerializationInfo(memberName, out serializationInfo);

    public override void Serialize(BsonSerializationContext context, BsonSerializationArgs args, OrderDocument value)
    {
        var writer = context.Writer;
        writer.WriteStartDocument();
        writer.WriteString("_id", value.Id);
        writer.WriteInt32("version", value.Version);
        writer.WriteString("customerId", value.CustomerId);
        writer.WriteString("customerName", value.CustomerName);
        writer.WriteInt32("customerVersion", value.CustomerVersion);
        WriteInstant(writer, "orderDate", value.OrderDate);
        writer.WriteDecimal128("totalAmount", value.TotalAmount);
        writer.WriteString("status", value.Status);
        WriteInstant(writer, "paidAt", value.PaidAt);
        WriteInstant(writer, "shippedAt", value.ShippedAt);
        WriteInstant(writer, "cancelledAt", value.CancelledAt);
        writer.WriteName("items");
        writer.WriteStartArray();
        for (var i = 0; i < value.Items.Count; i++) WriteLine(writer, value.Items[i]);
        writer.WriteEndArray();
        WriteInstant(writer, "projectedAt", value.ProjectedAt);
        writer.WriteEndDocument();
    }

    public override OrderDocument Deserialize(BsonDeserializationContext context, BsonDeserializationArgs args)
    {
        var reader = context.Reader;
        var decoder = new TrieNameDecoder<Field>(names);
        var (id, version, customerId, customerName, customerVersion, total, status) = ("", 0, "", "", 0, 0m, "");
        DateTimeOffset orderDate = default, projectedAt = default;
        DateTimeOffset? paidAt = null, shippedAt = null, cancelledAt = null;
        IReadOnlyList<OrderDocumentLine> items = [];
        reader.ReadStartDocument();
        while (reader.ReadBsonType() != BsonType.EndOfDocument)
        {
            switch (ReadName(reader, decoder))
            {
                case Field.Id: id = reader.ReadString(); break;
                case Field.Version: version = reader.ReadInt32(); break;
                case Field.CustomerId: customerId = reader.ReadString(); break;
                case Field.CustomerName: customerName = reader.ReadString(); break;
                case Field.CustomerVersion: customerVersion = reader.ReadInt32(); break;
                case Field.OrderDate: orderDate = ReadInstant(reader); break;
                case Field.TotalAmount: total = (decimal)reader.ReadDecimal128(); break;
                case Field.Status: status = reader.ReadString(); break;
                case Field.PaidAt: paidAt = ReadInstant(reader); break;
                case Field.ShippedAt: shippedAt = ReadInstant(reader); break;
                case Field.CancelledAt: cancelledAt = ReadInstant(reader); break;
                case Field.Items: items = ReadLines(reader); break;
                case Field.ProjectedAt: projectedAt = ReadInstant(reader); break;
                default: reader.SkipValue(); break;
            }
        }

        reader.ReadEndDocument();
        return new(id, version, customerId, customerName, customerVersion, orderDate, total, status, paidAt, shippedAt, cancelledAt, items) { ProjectedAt = projectedAt };
    }

    private static void WriteLine(IBsonWriter writer, OrderDocumentLine line)
    {
        writer.WriteStartDocument();
        writer.WriteString("productId", line.ProductId);
        writer.WriteString("productName", line.ProductName);
        writer.WriteInt32("productVersion", line.ProductVersion);
        writer.WriteInt32("quantity", line.Quantity);
        writer.WriteDecimal128("price", line.Price);
        writer.WriteEndDocument();
    }

    private static List<OrderDocumentLine> ReadLines(IBsonReader reader)
    {
        List<OrderDocumentLine> lines = [];
        var decoder = new TrieNameDecoder<Field>(lineNames);
        reader.ReadStartArray();
        while (reader.ReadBsonType() != BsonType.EndOfDocument)
        {
            var (id, name, version, quantity, price) = ("", "", 0, 0, 0m);
            reader.ReadStartDocument();
            while (reader.ReadBsonType() != BsonType.EndOfDocument)
            {
                switch (ReadName(reader, decoder))
                {
                    case Field.ProductId: id = reader.ReadString(); break;
                    case Field.ProductName: name = reader.ReadString(); break;
                    case Field.ProductVersion: version = reader.ReadInt32(); break;
                    case Field.Quantity: quantity = reader.ReadInt32(); break;
                    case Field.Price: price = (decimal)reader.ReadDecimal128(); break;
                    default: reader.SkipValue(); break;
                }
            }

            reader.ReadEndDocument();
            lines.Add(new(id, name, version, quantity, price));
        }

        reader.ReadEndArray();
        return lines;
    }

    private static Field ReadName(IBsonReader reader, TrieNameDecoder<Field> decoder)
    {
        reader.ReadName(decoder);
        return decoder.Found ? decoder.Value : Field.Unknown;
    }

    private static void WriteInstant(IBsonWriter writer, string name, DateTimeOffset? instant)
    {
        if (instant is { } given) writer.WriteDateTime(name, given.ToUnixTimeMilliseconds());
    }

    private static DateTimeOffset ReadInstant(IBsonReader reader) => DateTimeOffset.FromUnixTimeMilliseconds(reader.ReadDateTime());

    private static BsonTrie<Field> NamesOf(params (string Name, Field Field)[] fields)
    {
        var trie = new BsonTrie<Field>();
        foreach (var (name, field) in fields) trie.Add(name, field);
        return trie;
    }
}
