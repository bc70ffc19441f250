namespace Shop.Contracts.Commands;

public sealed record RegisterCustomer(string CustomerId, string Name) : Command;
