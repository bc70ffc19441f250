namespace Shop.Contracts.Commands;

/// <param name="OrderId">The order's identifier, chosen by the caller.</param>
/// <param name="CustomerId">A registered customer.</param>
/// <param name="Items">1 to 1,000 lines, each product at most once.</param>
public sealed record PlaceOrder(string OrderId, string CustomerId, IReadOnlyList<PlaceOrderLine> Items) : Command;

/// <param name="ProductId">A product of the catalogue.</param>
/// <param name="Quantity">1 to 1,000,000.</param>
/// <param name="Price">The catalogue price the caller was shown.</param>
public sealed record PlaceOrderLine(string ProductId, int Quantity, decimal Price);

public sealed record PayOrder(string OrderId) : Command;

public sealed record ShipOrder(string OrderId) : Command;

public sealed record CancelOrder(string OrderId) : Command;
