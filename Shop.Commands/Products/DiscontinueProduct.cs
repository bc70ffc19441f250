using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Products;

internal static class DiscontinueProductDecision
{
    public static DiscontinueProduct Read(CommandFields fields) => new(fields.Identifier("productId"));

    public static Decision Decide(DiscontinueProduct command, ProductState? product)
    {
        if (product is null) return Decision.Refuse(Refusals.UnknownProduct(command.ProductId));
        if (product.Discontinued) return Decision.Refuse(Refusals.ProductDiscontinued(command.ProductId));
        return new Decision.ProductChanged(EventTypes.ProductDiscontinued, product with { Discontinued = true, Version = product.Version + 1 });
    }
}
