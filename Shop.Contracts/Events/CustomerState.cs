namespace Shop.Contracts.Events;

/// <summary>The body of every <c>shop.customer.*</c> event: the customer as it is after the event.</summary>
/// <param name="CustomerId">The customer's identifier.</param>
/// <param name="Name">The current name.</param>
/// <param name="Version">1 when registered, one more with each event.</param>
/// <param name="NameVersion">The version at which the name was last set.</param>
public sealed record CustomerState(string CustomerId, string Name, int Version, int NameVersion);
