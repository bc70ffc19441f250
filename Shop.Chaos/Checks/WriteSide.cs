using Shop.Chaos.Clients;
using Shop.Contracts.Events;

namespace Shop.Chaos.Checks;

/// <summary>One row of the outbox with the state it carries: one of the three is not null.</summary>
internal sealed record OutboxRow(
    int Shard, long Position, Guid EventId, string Type, string Subject, int Version, OrderState? Order, CustomerState? Customer, ProductState? Product)
{
    /// <summary>What the command that caused it wrote and no other one did.</summary>
    public string Mark => this switch
    {
        { Order: { } order } => Marks.Of(Type switch
        {
            EventTypes.OrderPaid => order.PaidAt ?? default,
            EventTypes.OrderShipped => order.ShippedAt ?? default,
            EventTypes.OrderCancelled => order.CancelledAt ?? default,
            _ => order.OrderDate,
        }),
        { Customer: { } customer } => customer.Name,
        _ => Product!.Name,
    };

    public string CommandType => Type switch
    {
        EventTypes.OrderPlaced => nameof(Contracts.Commands.PlaceOrder),
        EventTypes.OrderPaid => nameof(Contracts.Commands.PayOrder),
        EventTypes.OrderShipped => nameof(Contracts.Commands.ShipOrder),
        EventTypes.OrderCancelled => nameof(Contracts.Commands.CancelOrder),
        EventTypes.CustomerRegistered => nameof(Contracts.Commands.RegisterCustomer),
        EventTypes.CustomerRenamed => nameof(Contracts.Commands.RenameCustomer),
        EventTypes.ProductAdded => nameof(Contracts.Commands.AddProduct),
        EventTypes.ProductRenamed => nameof(Contracts.Commands.RenameProduct),
        _ => Type,
    };
}

/// <summary>A row of the orders, customers or products, as far as the checks compare it.</summary>
internal sealed record StateRow(string Subject, int Version, string? Status, string? Name);

/// <summary>Everything that PostgreSQL says in the end.</summary>
/// <param name="Outbox">By shard and position.</param>
/// <param name="States">The aggregates' own tables.</param>
/// <param name="Log">The command log: the version that was answered, by command id.</param>
/// <param name="Acked">Per shard, how far the broker has accepted.</param>
/// <param name="Parked">Events that the broker refused for good.</param>
internal sealed record WriteSide(
    IReadOnlyList<OutboxRow> Outbox, IReadOnlyList<StateRow> States, IReadOnlyDictionary<string, (string Subject, int Version)> Log,
    IReadOnlyDictionary<int, long> Acked, IReadOnlyList<Guid> Parked)
{
    private Dictionary<(string, int), OutboxRow>? byVersion;

    private HashSet<string>? cancelled;

    public bool WasEverCancelled(string order)
    {
        cancelled ??= [.. Outbox.Where(row => row.Type == EventTypes.OrderCancelled).Select(row => row.Order!.OrderId)];
        return cancelled.Contains(order);
    }

    /// <summary>The event by which a subject reached a version; null when it never did.</summary>
    public OutboxRow? Event(string subject, int version)
    {
        if (byVersion is null)
        {
            byVersion = [];
            foreach (var row in Outbox) byVersion[(row.Subject, row.Version)] = row;
        }

        return byVersion.GetValueOrDefault((subject, version));
    }
}
