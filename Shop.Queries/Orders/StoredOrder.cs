using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Serializers;
using MongoDB.Driver;
using Shop.Contracts.Views;

namespace Shop.Queries.Orders;

/// <summary>An order as the bytes in which it is stored: most answers need nothing else of it.</summary>
internal sealed record StoredOrder(string Id, byte[] Bson)
{
    /// <summary>For a find of orders.</summary>
    public static FindOptions<OrderDocument, StoredOrder> AsStored { get; } = new() { Projection = Builders<OrderDocument>.Projection.As(new Copy()) };

    public OrderDocument ToDocument() => BsonSerializer.Deserialize<OrderDocument>(Bson);

    private sealed class Copy : SerializerBase<StoredOrder>
    {
        public override StoredOrder Deserialize(BsonDeserializationContext context, BsonDeserializationArgs args)
        {
            // The slice lies in a buffer that the driver uses again.
            using var slice = context.Reader.ReadRawBsonDocument();
            var bson = new byte[slice.Length];
            slice.GetBytes(0, bson, 0, bson.Length);
            return new(OrderJson.IdOf(bson), bson);
        }
    }
}
