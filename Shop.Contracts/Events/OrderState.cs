namespace Shop.Contracts.Events;

/// <summary>The body of every <c>shop.order.*</c> event: the whole order as it is after the event.</summary>
/// <param name="OrderId">The order's identifier.</param>
/// <param name="Version">1 when placed, one more with each event.</param>
/// <param name="CustomerId">Who ordered.</param>
/// <param name="CustomerName">The customer's name when the event was decided.</param>
/// <param name="CustomerVersion">The version of that name.</param>
/// <param name="OrderDate">Business time of the order, in UTC, cut to milliseconds.</param>
/// <param name="TotalAmount">The exact sum of quantity x price over all lines.</param>
/// <param name="Status">One of <see cref="OrderStatus"/>.</param>
/// <param name="Items">The lines, in the order they were placed.</param>
/// <param name="PaidAt">Business time of the payment.</param>
/// <param name="ShippedAt">Business time of the shipment.</param>
/// <param name="CancelledAt">Business time of the cancellation.</param>
public sealed record OrderState(
    string OrderId,
    int Version,
    string CustomerId,
    string CustomerName,
    int CustomerVersion,
    DateTimeOffset OrderDate,
    decimal TotalAmount,
    string Status,
    IReadOnlyList<OrderStateLine> Items,
    DateTimeOffset? PaidAt = null,
    DateTimeOffset? ShippedAt = null,
    DateTimeOffset? CancelledAt = null);

/// <param name="ProductId">What was ordered.</param>
/// <param name="ProductName">The product's name when the event was decided.</param>
/// <param name="ProductVersion">The version of that name.</param>
/// <param name="Quantity">How many.</param>
/// <param name="Price">The price of one.</param>
public sealed record OrderStateLine(string ProductId, string ProductName, int ProductVersion, int Quantity, decimal Price);

/// <summary>Pending -> Paid -> Shipped; Cancelled from Pending or Paid.</summary>
public static class OrderStatus
{
    public const string Pending = nameof(Pending);
    public const string Paid = nameof(Paid);
    public const string Shipped = nameof(Shipped);
    public const string Cancelled = nameof(Cancelled);
}
