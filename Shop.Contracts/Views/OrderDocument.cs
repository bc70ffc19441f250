using System.Text.Json.Serialization;

namespace Shop.Contracts.Views;

/// <summary>The read model of one order: collection <c>orders_vN</c>, and the answer of <c>GET /orders/{id}</c>.</summary>
/// <param name="Id">The order's identifier.</param>
/// <param name="Version">The order's version; never goes back.</param>
/// <param name="CustomerId">Who ordered.</param>
/// <param name="CustomerName">The customer's current name, as far as the read model knows.</param>
/// <param name="CustomerVersion">The version of that name.</param>
/// <param name="OrderDate">Business time of the order.</param>
/// <param name="TotalAmount">The exact total.</param>
/// <param name="Status">Pending, Paid, Shipped or Cancelled.</param>
/// <param name="PaidAt">Business time of the payment.</param>
/// <param name="ShippedAt">Business time of the shipment.</param>
/// <param name="CancelledAt">Business time of the cancellation.</param>
/// <param name="Items">The lines.</param>
public sealed record OrderDocument(
    [property: JsonPropertyName("_id")] string Id,
    int Version,
    string CustomerId,
    string CustomerName,
    int CustomerVersion,
    DateTimeOffset OrderDate,
    decimal TotalAmount,
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? PaidAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? ShippedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? CancelledAt,
    IReadOnlyList<OrderDocumentLine> Items)
{
    /// <summary>When a projector last wrote the document, by that projector's clock; live updates find changes by it.</summary>
    [JsonIgnore]
    public DateTimeOffset ProjectedAt { get; init; }
}

public sealed record OrderDocumentLine(string ProductId, string ProductName, int ProductVersion, int Quantity, decimal Price);
