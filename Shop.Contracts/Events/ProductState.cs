namespace Shop.Contracts.Events;

/// <summary>The body of every <c>shop.product.*</c> event: the product as it is after the event.</summary>
/// <param name="ProductId">The product's identifier.</param>
/// <param name="Name">The current name.</param>
/// <param name="Price">The current catalogue price.</param>
/// <param name="Discontinued">True when it can no longer be ordered.</param>
/// <param name="Version">1 when added, one more with each event.</param>
/// <param name="NameVersion">The version at which the name was last set.</param>
public sealed record ProductState(string ProductId, string Name, decimal Price, bool Discontinued, int Version, int NameVersion);
