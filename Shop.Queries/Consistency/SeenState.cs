using Shop.Contracts.Views;

namespace Shop.Queries.Consistency;

/// <summary>What the read model has of everything that a caller says to have seen.</summary>
/// <param name="Orders">The orders among it; without their lines.</param>
/// <param name="Customers">The customers among it.</param>
/// <param name="Products">The products among it.</param>
internal sealed record SeenState(
    IReadOnlyDictionary<string, SeenOrder> Orders, IReadOnlyDictionary<string, CustomerDocument> Customers, IReadOnlyDictionary<string, ProductDocument> Products)
{
    public static SeenState Nothing { get; } =
        new(new Dictionary<string, SeenOrder>(), new Dictionary<string, CustomerDocument>(), new Dictionary<string, ProductDocument>());

    /// <summary>Whether <see cref="WithSeenNames"/> may change anything.</summary>
    public bool HasNames => Customers.Count + Products.Count > 0;

    /// <summary>The version the read model has, 0 for none.</summary>
    public int VersionOf(SeenVersion seen)
    {
        var order = Orders.TryGetValue(seen.Id, out var foundOrder) ? foundOrder.Version : 0;
        var customer = Customers.TryGetValue(seen.Id, out var foundCustomer) ? foundCustomer.Version : 0;
        var product = Products.TryGetValue(seen.Id, out var foundProduct) ? foundProduct.Version : 0;
        return seen.Kind switch
        {
            SeenKind.Order => order,
            SeenKind.Customer => customer,
            SeenKind.Product => product,
            _ => Math.Max(order, Math.Max(customer, product)),
        };
    }

    /// <summary>
    /// A rename reaches the reference document before the orders. A caller who has seen it gets the new name at once, also while
    /// the projector is still on its way through the orders.
    /// </summary>
    public OrderDocument WithSeenNames(OrderDocument order)
    {
        if (!HasNames) return order;
        if (Customers.TryGetValue(order.CustomerId, out var customer) && customer.NameVersion > order.CustomerVersion)
            order = order with { CustomerName = customer.Name, CustomerVersion = customer.NameVersion };
        if (order.Items.Any(line => IsOlder(line)))
        {
            order = order with
            {
                Items = [.. order.Items.Select(line => IsOlder(line)
                    ? line with { ProductName = Products[line.ProductId].Name, ProductVersion = Products[line.ProductId].NameVersion }
                    : line)],
            };
        }

        return order;
    }

    private bool IsOlder(OrderDocumentLine line) => Products.TryGetValue(line.ProductId, out var product) && product.NameVersion > line.ProductVersion;
}

/// <summary>As much of an order as waiting for it needs.</summary>
internal sealed record SeenOrder(int Version, string CustomerId, DateTimeOffset OrderDate);
