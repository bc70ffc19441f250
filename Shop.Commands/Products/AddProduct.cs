using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Products;

internal static class AddProductDecision
{
    public static AddProduct Read(CommandFields fields) => new(fields.Identifier("productId"), fields.Name("name"), fields.Price("price"));

    public static Decision Decide(AddProduct command) => new Decision.ProductChanged(
        EventTypes.ProductAdded,
        new ProductState(command.ProductId, command.Name, command.Price, Discontinued: false, Version: 1, NameVersion: 1));
}
