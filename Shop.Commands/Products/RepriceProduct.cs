using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Products;

internal static class RepriceProductDecision
{
    public static RepriceProduct Read(CommandFields fields) => new(fields.Identifier("productId"), fields.Price("price"));

    /// <summary>Orders that were placed keep the price they were placed at.</summary>
    public static Decision Decide(RepriceProduct command, ProductState? product)
    {
        if (product is null) return Decision.Refuse(Refusals.UnknownProduct(command.ProductId));
        if (product.Discontinued) return Decision.Refuse(Refusals.ProductDiscontinued(command.ProductId));
        return new Decision.ProductChanged(EventTypes.ProductRepriced, product with { Price = command.Price, Version = product.Version + 1 });
    }
}
