using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Contracts.Views;

namespace Shop.Projector.Projection;

/// <summary>A name and the version at which it was set, from a reference document.</summary>
public readonly record struct CurrentName(string Name, int Version);

/// <summary>What the reference documents say, for every customer and product that a batch names and that was ever renamed.</summary>
public sealed record CurrentNames(IReadOnlyDictionary<string, CurrentName> Customers, IReadOnlyDictionary<string, CurrentName> Products);

/// <summary>The updates that give order documents newer names. All are guarded by the name's version, so repeating one changes nothing.</summary>
public static class NameRepair
{
    /// <summary>
    /// For orders that were just written: an event is decided without a lock on the names it carries, so a rename may have been
    /// projected before it, and the write may have brought an older name back.
    /// </summary>
    public static List<UpdateManyModel<OrderDocument>> OfWrittenOrders(IEnumerable<OrderState> orders, CurrentNames names, DateTimeOffset projectedAt)
    {
        ArgumentNullException.ThrowIfNull(orders);
        ArgumentNullException.ThrowIfNull(names);
        Dictionary<string, BsonArray> byCustomer = [];
        Dictionary<string, BsonArray> byProduct = [];
        foreach (var order in orders)
        {
            if (IsOlder(names.Customers, order.CustomerId, order.CustomerVersion)) Add(byCustomer, order.CustomerId, order.OrderId);
            foreach (var line in order.Items)
                if (IsOlder(names.Products, line.ProductId, line.ProductVersion)) Add(byProduct, line.ProductId, order.OrderId);
        }

        return
        [
            .. byCustomer.Select(pair => OfCustomer(pair.Value, pair.Key, names.Customers[pair.Key], projectedAt)),
            .. byProduct.Select(pair => OfProduct(pair.Value, pair.Key, names.Products[pair.Key], projectedAt)),
        ];
    }

    public static UpdateManyModel<OrderDocument> OfCustomer(BsonArray orderIds, string customerId, CurrentName name, DateTimeOffset projectedAt)
    {
        var filter = OrdersWithOlderCustomerName(customerId, name.Version);
        filter.InsertAt(0, new("_id", new BsonDocument("$in", orderIds)));
        return new(filter, new BsonDocument("$set", new BsonDocument
        {
            { "customerName", name.Name }, { "customerVersion", name.Version }, { "projectedAt", projectedAt.UtcDateTime },
        }));
    }

    public static UpdateManyModel<OrderDocument> OfProduct(BsonArray orderIds, string productId, CurrentName name, DateTimeOffset projectedAt)
    {
        var filter = OrdersWithOlderProductName(productId, name.Version);
        filter.InsertAt(0, new("_id", new BsonDocument("$in", orderIds)));
        var update = new BsonDocument("$set", new BsonDocument
        {
            { "items.$[line].productName", name.Name }, { "items.$[line].productVersion", name.Version }, { "projectedAt", projectedAt.UtcDateTime },
        });
        var older = new BsonDocument { { "line.productId", productId }, { "line.productVersion", new BsonDocument("$lt", name.Version) } };
        return new(filter, update) { ArrayFilters = [new BsonDocumentArrayFilterDefinition<BsonDocument>(older)] };
    }

    public static BsonDocument OrdersWithOlderCustomerName(string customerId, int version) =>
        new() { { "customerId", customerId }, { "customerVersion", new BsonDocument("$lt", version) } };

    /// <summary>The first condition says nothing that the second does not, but a planner that does not look into the second finds its index by it.</summary>
    public static BsonDocument OrdersWithOlderProductName(string productId, int version) => new()
    {
        { "items.productId", productId },
        { "items", new BsonDocument("$elemMatch", new BsonDocument { { "productId", productId }, { "productVersion", new BsonDocument("$lt", version) } }) },
    };

    private static bool IsOlder(IReadOnlyDictionary<string, CurrentName> names, string id, int version) =>
        names.TryGetValue(id, out var name) && name.Version > version;

    private static void Add(Dictionary<string, BsonArray> orders, string key, string orderId)
    {
        if (!orders.TryGetValue(key, out var ids)) orders.Add(key, ids = []);
        if (ids.Count == 0 || ids[^1] != orderId) ids.Add(orderId);
    }
}
