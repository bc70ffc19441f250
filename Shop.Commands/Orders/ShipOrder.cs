using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Orders;

internal static class ShipOrderDecision
{
    public static ShipOrder Read(CommandFields fields) => new(fields.Identifier("orderId"));

    public static Decision Decide(ShipOrder command, OrderState? order, DateTimeOffset now)
    {
        if (order is null) return Decision.Refuse(Refusals.UnknownOrder(command.OrderId));
        if (order.Status != OrderStatus.Paid) return Decision.Refuse(Refusals.WrongStatus(order.OrderId, order.Status, OrderStatus.Paid));
        return new Decision.OrderChanged(EventTypes.OrderShipped,
            order with { Status = OrderStatus.Shipped, ShippedAt = command.Timestamp ?? now, Version = order.Version + 1 });
    }
}
