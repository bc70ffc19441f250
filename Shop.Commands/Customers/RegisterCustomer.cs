using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Customers;

internal static class RegisterCustomerDecision
{
    public static RegisterCustomer Read(CommandFields fields) => new(fields.Identifier("customerId"), fields.Name("name"));

    public static Decision Decide(RegisterCustomer command) =>
        new Decision.CustomerChanged(EventTypes.CustomerRegistered, new CustomerState(command.CustomerId, command.Name, Version: 1, NameVersion: 1));
}
