namespace Shop.Contracts.Commands;

/// <param name="ProductId">The product's identifier.</param>
/// <param name="Name">The product's name.</param>
/// <param name="Price">The catalogue price: 0 to 9,999,999,999.99 with at most two decimals.</param>
public sealed record AddProduct(string ProductId, string Name, decimal Price) : Command;

public sealed record RenameProduct(string ProductId, string Name) : Command;

/// <param name="ProductId">The product's identifier.</param>
/// <param name="Price">The new catalogue price, within the bounds of <see cref="AddProduct"/>.</param>
public sealed record RepriceProduct(string ProductId, decimal Price) : Command;

public sealed record DiscontinueProduct(string ProductId) : Command;
