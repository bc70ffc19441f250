using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Orders;

internal static class PayOrderDecision
{
    public static PayOrder Read(CommandFields fields) => new(fields.Identifier("orderId"));

    public static Decision Decide(PayOrder command, OrderState? order, DateTimeOffset now)
    {
        if (order is null) return Decision.Refuse(Refusals.UnknownOrder(command.OrderId));
        if (order.Status != OrderStatus.Pending) return Decision.Refuse(Refusals.WrongStatus(order.OrderId, order.Status, OrderStatus.Pending));
        return new Decision.OrderChanged(EventTypes.OrderPaid,
            order with { Status = OrderStatus.Paid, PaidAt = command.Timestamp ?? now, Version = order.Version + 1 });
    }
}
