using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Customers;

internal static class RenameCustomerDecision
{
    public static RenameCustomer Read(CommandFields fields) => new(fields.Identifier("customerId"), fields.Name("name"));

    public static Decision Decide(RenameCustomer command, CustomerState? customer)
    {
        if (customer is null) return Decision.Refuse(Refusals.UnknownCustomer(command.CustomerId));
        var version = customer.Version + 1;
        return new Decision.CustomerChanged(EventTypes.CustomerRenamed, customer with { Name = command.Name, Version = version, NameVersion = version });
    }
}
