using System.Text.Json.Serialization;

namespace Shop.Contracts.Views;

/// <summary>The answer of <c>GET /customers?search=&amp;limit=</c>.</summary>
public sealed record CustomerMatches(IReadOnlyList<CustomerMatch> Customers);

/// <param name="Id">The customer's identifier.</param>
/// <param name="Name">Its current name.</param>
public sealed record CustomerMatch([property: JsonPropertyName("_id")] string Id, string Name);

/// <summary>The answer of <c>GET /products?search=&amp;limit=</c>: what can be ordered.</summary>
public sealed record ProductMatches(IReadOnlyList<ProductMatch> Products);

/// <param name="Id">The product's identifier.</param>
/// <param name="Name">Its current name.</param>
/// <param name="Price">Its catalogue price as far as the read model knows.</param>
public sealed record ProductMatch([property: JsonPropertyName("_id")] string Id, string Name, decimal Price);
