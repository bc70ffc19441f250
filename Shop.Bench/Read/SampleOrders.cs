using System.Text.Json;
using Shop.Contracts.Events;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Bench.Read;

/// <summary>Orders as a shop places them now: one to three lines of a thousand products, ten thousand customers. Deterministic in their number.</summary>
internal static class SampleOrders
{
    public const int Customers = 10_000;
    private const int Products = 1_000;

    public static OrderState At(int number, DateTimeOffset placedAt, string? customerId = null)
    {
        var random = new Random(number);
        var items = new OrderStateLine[random.Next(1, 4)];
        for (var line = 0; line < items.Length; line++)
            items[line] = new($"PROD{(random.Next(Products / 3) * 3) + line:0000}", "A product with a name", 1, random.Next(1, 5), 10.50m);
        return new($"ORD{number:000000000}", 1, customerId ?? $"CUST{random.Next(Customers):00000}", "Alice Smith", 1, placedAt,
            items.Sum(item => item.Quantity * item.Price), OrderStatus.Pending, items);
    }

    public static CloudEvent Event(OrderState order, DateTimeOffset committedAt) => new(
        Guid.CreateVersion7(), "/shop/commands", EventTypes.OrderPlaced, $"order/{order.OrderId}", committedAt,
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", $"order/{order.OrderId}", Body(order));

    public static IncomingEvent Incoming(OrderState order) => new(EventTypes.OrderPlaced, Body(order));

    private static byte[] Body(OrderState order) => JsonSerializer.SerializeToUtf8Bytes(order, EventJson.Default.OrderState);
}
