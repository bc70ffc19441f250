using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Orders;

internal static class PlaceOrderDecision
{
    private const int MaxLines = 1_000;
    private const decimal MaxTotal = 999_999_999_999.99m;

    public static PlaceOrder Read(CommandFields fields)
    {
        var command = new PlaceOrder(fields.Identifier("orderId"), fields.Identifier("customerId"), ReadLines(fields));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var line = 0; line < command.Items.Count; line++)
        {
            var productId = command.Items[line].ProductId;
            if (productId.Length > 0 && !seen.Add(productId))
                fields.Error($"items[{line}].productId", $"product {productId} is on another line already");
        }

        return command;
    }

    /// <param name="command">What the customer wants.</param>
    /// <param name="customer">The customer named in it; null when there is none.</param>
    /// <param name="products">The products named in it, as far as they exist.</param>
    /// <param name="trusted">True for imports: lines keep their own prices, and what is discontinued now may have been sold then.</param>
    /// <param name="now">The server's clock, for a command without a time of its own.</param>
    public static Decision Decide(
        PlaceOrder command, CustomerState? customer, IReadOnlyDictionary<string, ProductState> products, bool trusted, DateTimeOffset now)
    {
        if (customer is null) return Decision.Refuse(Refusals.UnknownCustomer(command.CustomerId));
        var total = 0.00m;
        var lines = new OrderStateLine[command.Items.Count];
        for (var index = 0; index < lines.Length; index++)
        {
            var line = command.Items[index];
            if (!products.TryGetValue(line.ProductId, out var product)) return Decision.Refuse(Refusals.UnknownProduct(line.ProductId));
            if (!trusted && product.Discontinued) return Decision.Refuse(Refusals.ProductDiscontinued(line.ProductId));
            if (!trusted && product.Price != line.Price)
                return Decision.Refuse(Refusals.PriceChanged(line.ProductId, line.Price, product.Price));
            total += line.Quantity * line.Price;
            lines[index] = new OrderStateLine(line.ProductId, product.Name, product.NameVersion, line.Quantity, line.Price);
        }

        if (total > MaxTotal) return Decision.Refuse(Refusals.TotalTooLarge(command.OrderId));
        return new Decision.OrderChanged(EventTypes.OrderPlaced, new OrderState(
            command.OrderId, Version: 1, customer.CustomerId, customer.Name, customer.NameVersion, command.Timestamp ?? now, total,
            OrderStatus.Pending, lines));
    }

    private static PlaceOrderLine[] ReadLines(CommandFields fields)
    {
        var lines = new List<PlaceOrderLine>();
        foreach (var line in fields.Objects("items", least: 1, most: MaxLines))
        {
            lines.Add(new PlaceOrderLine(line.Identifier("productId"), line.Quantity("quantity"), line.Price("price")));
            line.RejectUnknown();
        }

        return [.. lines];
    }
}
