using MongoDB.Bson;
using MongoDB.Bson.Serialization;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Data;

namespace Shop.Tests.ServiceDefaults.Data;

public sealed class OrderDocumentSerializerTests
{
    private static readonly DateTimeOffset at = new(2023, 10, 27, 10, 0, 0, 123, TimeSpan.Zero);
    private static readonly OrderDocument plain = new("O1", 3, "C1", "Zoë 🛒", 2, at, 46.00m, "Pending", null, null, null,
        [new("P1", "Widget", 1, 2, 10.50m), new("P2", "Gadget", 4, 1, 25m)]) { ProjectedAt = at.AddSeconds(1) };

    private static OrderDocument Order(bool isFull) => isFull
        ? plain with { PaidAt = at.AddDays(1), ShippedAt = at.AddDays(2), CancelledAt = at.AddDays(3), TotalAmount = 999_999_999_999.99m }
        : plain;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_order_is_stored_exactly_as_the_class_map_would_store_it(bool isFull)
    {
        var order = Order(isFull);
        ReadModelBson.Register();
        var mapped = new BsonClassMapSerializer<OrderDocument>(BsonClassMap.LookupClassMap(typeof(OrderDocument)));
        Assert.Equal(order.ToBson(serializer: mapped), order.ToBson());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_stored_is_read_again_and_a_newer_writer_s_fields_are_skipped(bool isFull)
    {
        var order = Order(isFull);
        ReadModelBson.Register();
        var stored = order.ToBsonDocument();
        stored.Add("gift", new BsonDocument("wrapping", new BsonArray { "paper", 1 }));
        foreach (var line in stored["items"].AsBsonArray) line.AsBsonDocument.InsertAt(0, new BsonElement("weight", 1.5));
        var read = BsonSerializer.Deserialize<OrderDocument>(stored.ToBson());
        Assert.Equal(order with { Items = read.Items }, read);
        Assert.Equal(order.Items, read.Items);
    }
}
