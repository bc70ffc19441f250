namespace Shop.Contracts.Commands;

public sealed record RegisterCustomer(string CustomerId, string Name) : Command;

public sealed record RenameCustomer(string CustomerId, string Name) : Command;
