using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Products;

internal static class RenameProductDecision
{
    public static RenameProduct Read(CommandFields fields) => new(fields.Identifier("productId"), fields.Name("name"));

    public static Decision Decide(RenameProduct command, ProductState? product)
    {
        if (product is null) return Decision.Refuse(Refusals.UnknownProduct(command.ProductId));
        var version = product.Version + 1;
        return new Decision.ProductChanged(EventTypes.ProductRenamed, product with { Name = command.Name, Version = version, NameVersion = version });
    }
}
