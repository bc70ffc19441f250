using System.Globalization;
using Shop.Contracts.Events;
using Shop.Contracts.Views;

namespace Shop.Chaos.Checks;

/// <summary>Every state that the write side ever had, and every name.</summary>
internal sealed class EverythingThatWas
{
    private readonly WriteSide write;
    private readonly HashSet<(string Subject, int NameVersion, string Name)> names = [];
    private readonly HashSet<(string Subject, string Name)> namesAtAnyTime = [];
    private readonly Dictionary<string, (long Orders, decimal Spent)> placed = [];
    private readonly Dictionary<string, (long Units, decimal Revenue)> sold = [];

    public EverythingThatWas(WriteSide write)
    {
        this.write = write;
        foreach (var row in write.Outbox)
        {
            if (row.Customer is { } customer) Name(row.Subject, customer.NameVersion, customer.Name);
            else if (row.Product is { } product) Name(row.Subject, product.NameVersion, product.Name);
            else if (row is { Type: EventTypes.OrderPlaced, Order: { } order }) Place(order);
        }
    }

    public string? WhyNot(OrderDocument document)
    {
        if (write.Event($"order/{document.Id}", document.Version)?.Order is not { } state) return $"version {document.Version} never was";
        var sameFacts = document.Status == state.Status && document.CustomerId == state.CustomerId && document.TotalAmount == state.TotalAmount && document.OrderDate == state.OrderDate
            && document.PaidAt == state.PaidAt && document.ShippedAt == state.ShippedAt && document.CancelledAt == state.CancelledAt && document.Items.Count == state.Items.Count;
        if (!sameFacts) return $"version {document.Version} is {document.Status}, {document.TotalAmount.ToString(CultureInfo.InvariantCulture)}; it was {state.Status}, {state.TotalAmount.ToString(CultureInfo.InvariantCulture)}, or its dates differ";
        if (document.CustomerVersion < state.CustomerVersion) return $"version {document.Version} has the customer's name of version {document.CustomerVersion}, older than the event's {state.CustomerVersion}";
        if (!names.Contains(($"customer/{document.CustomerId}", document.CustomerVersion, document.CustomerName))) return $"the customer was never called '{document.CustomerName}' at version {document.CustomerVersion}";
        foreach (var (line, was) in document.Items.Zip(state.Items))
        {
            if (line.ProductId != was.ProductId || line.Quantity != was.Quantity || line.Price != was.Price) return $"the line of {line.ProductId} is not what was ordered";
            if (line.ProductVersion < was.ProductVersion) return $"{line.ProductId} has the name of version {line.ProductVersion}, older than the event's {was.ProductVersion}";
            if (!names.Contains(($"product/{line.ProductId}", line.ProductVersion, line.ProductName))) return $"{line.ProductId} was never called '{line.ProductName}' at version {line.ProductVersion}";
        }

        return null;
    }

    public string? WhyNot(CustomerSummary summary)
    {
        if (!namesAtAnyTime.Contains(($"customer/{summary.Id}", summary.Name))) return $"the customer was never called '{summary.Name}'";
        var (orders, spent) = placed.GetValueOrDefault(summary.Id);
        return summary.Orders > orders || summary.TotalSpent > spent
            ? string.Create(CultureInfo.InvariantCulture, $"it counts {summary.Orders} orders of {summary.TotalSpent}; all there ever were are {orders} of {spent}") : null;
    }

    public string? WhyNot(BestSeller seller)
    {
        // The identifier stands for a name that has not arrived yet.
        if (seller.ProductName != seller.ProductId && !namesAtAnyTime.Contains(($"product/{seller.ProductId}", seller.ProductName))) return $"the product was never called '{seller.ProductName}'";
        var (units, revenue) = sold.GetValueOrDefault(seller.ProductId);
        return seller.UnitsSold > units || seller.Revenue > revenue
            ? string.Create(CultureInfo.InvariantCulture, $"it counts {seller.UnitsSold} units of {seller.Revenue}; all that were ever ordered are {units} of {revenue}") : null;
    }

    private void Name(string subject, int version, string name)
    {
        names.Add((subject, version, name));
        namesAtAnyTime.Add((subject, name));
    }

    private void Place(OrderState order)
    {
        var (orders, spent) = placed.GetValueOrDefault(order.CustomerId);
        placed[order.CustomerId] = (orders + 1, spent + order.TotalAmount);
        foreach (var line in order.Items)
        {
            var (units, revenue) = sold.GetValueOrDefault(line.ProductId);
            sold[line.ProductId] = (units + line.Quantity, revenue + (line.Quantity * line.Price));
        }
    }
}
