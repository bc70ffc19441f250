using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Projection;

/// <summary>From the state an event carries to the document that is stored.</summary>
public static class Documents
{
    public static OrderDocument Order(OrderState state, DateTimeOffset projectedAt)
    {
        ArgumentNullException.ThrowIfNull(state);
        var items = new OrderDocumentLine[state.Items.Count];
        for (var i = 0; i < items.Length; i++)
        {
            var line = state.Items[i];
            items[i] = new(line.ProductId, line.ProductName, line.ProductVersion, line.Quantity, line.Price);
        }

        return new(state.OrderId, state.Version, state.CustomerId, state.CustomerName, state.CustomerVersion, state.OrderDate,
            state.TotalAmount, state.Status, state.PaidAt, state.ShippedAt, state.CancelledAt, items) { ProjectedAt = projectedAt };
    }

    public static CustomerDocument Customer(CustomerState state, DateTimeOffset projectedAt)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new(state.CustomerId, state.Version, state.Name, state.NameVersion, projectedAt) { Search = SearchKeys.Of(state.CustomerId, state.Name) };
    }

    public static ProductDocument Product(ProductState state, DateTimeOffset projectedAt)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new(state.ProductId, state.Version, state.Name, state.NameVersion, state.Price, state.Discontinued, projectedAt)
        {
            Search = SearchKeys.Of(state.ProductId, state.Name),
        };
    }
}
