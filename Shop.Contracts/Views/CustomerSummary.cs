using System.Text.Json.Serialization;

namespace Shop.Contracts.Views;

/// <summary>The answer of <c>GET /customers/{id}</c>. Cancelled orders count nowhere in it.</summary>
/// <param name="Id">The customer's identifier.</param>
/// <param name="Name">The customer's current name.</param>
/// <param name="Version">The customer's version.</param>
/// <param name="Orders">How many orders were placed and not cancelled.</param>
/// <param name="TotalSpent">The exact sum of their totals.</param>
/// <param name="LastOrder">Business time of the newest of them; absent when there is none.</param>
public sealed record CustomerSummary(
    [property: JsonPropertyName("_id")] string Id,
    string Name,
    int Version,
    long Orders,
    decimal TotalSpent,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? LastOrder);

/// <summary>One page of <c>GET /customers/{id}/orders</c>, newest first.</summary>
/// <param name="Orders">The orders.</param>
/// <param name="Next">Give it as <c>cursor</c> to get the following page; absent on the last one.</param>
public sealed record OrderPage(
    IReadOnlyList<OrderDocument> Orders,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Next);

/// <summary>The answer of <c>GET /products/best-sellers</c>, most units first. Cancelled orders do not count.</summary>
public sealed record BestSellers(IReadOnlyList<BestSeller> Products);

/// <param name="ProductId">The product's identifier.</param>
/// <param name="ProductName">Its current name.</param>
/// <param name="UnitsSold">Sum of the quantities.</param>
/// <param name="Revenue">Exact sum of quantity x price.</param>
public sealed record BestSeller(string ProductId, string ProductName, long UnitsSold, decimal Revenue);
