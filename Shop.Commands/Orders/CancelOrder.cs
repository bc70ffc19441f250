using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Orders;

internal static class CancelOrderDecision
{
    public static CancelOrder Read(CommandFields fields) => new(fields.Identifier("orderId"));

    public static Decision Decide(CancelOrder command, OrderState? order, DateTimeOffset now)
    {
        if (order is null) return Decision.Refuse(Refusals.UnknownOrder(command.OrderId));
        if (order.Status is not (OrderStatus.Pending or OrderStatus.Paid))
            return Decision.Refuse(Refusals.WrongStatus(order.OrderId, order.Status, $"{OrderStatus.Pending} or {OrderStatus.Paid}"));
        return new Decision.OrderChanged(EventTypes.OrderCancelled,
            order with { Status = OrderStatus.Cancelled, CancelledAt = command.Timestamp ?? now, Version = order.Version + 1 });
    }
}
