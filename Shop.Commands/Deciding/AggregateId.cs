using System.Text;
using Shop.Contracts.Commands;

namespace Shop.Commands.Deciding;

internal enum AggregateKind
{
    Customer,
    Product,
    Order,
}

/// <summary>What a command is about.</summary>
internal readonly record struct AggregateId(AggregateKind Kind, string Id)
{
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;

    /// <summary>The CloudEvents subject and the session of its events.</summary>
    public string Subject => Kind switch
    {
        AggregateKind.Customer => $"customer/{Id}",
        AggregateKind.Product => $"product/{Id}",
        _ => $"order/{Id}",
    };

    /// <summary>FNV-1a over the subject: the same in every process and for ever, since the position of every event depends on it.</summary>
    public int Shard(int shardCount)
    {
        var subject = Subject;
        Span<byte> utf8 = stackalloc byte[Encoding.UTF8.GetMaxByteCount(subject.Length)];
        var hash = FnvOffset;
        foreach (var unit in utf8[..Encoding.UTF8.GetBytes(subject, utf8)]) hash = (hash ^ unit) * FnvPrime;
        return (int)(hash % (ulong)shardCount);
    }

    public static AggregateId TargetOf(Command command) => command switch
    {
        RegisterCustomer register => new(AggregateKind.Customer, register.CustomerId),
        RenameCustomer rename => new(AggregateKind.Customer, rename.CustomerId),
        AddProduct add => new(AggregateKind.Product, add.ProductId),
        RenameProduct rename => new(AggregateKind.Product, rename.ProductId),
        RepriceProduct reprice => new(AggregateKind.Product, reprice.ProductId),
        DiscontinueProduct discontinue => new(AggregateKind.Product, discontinue.ProductId),
        PlaceOrder place => new(AggregateKind.Order, place.OrderId),
        PayOrder pay => new(AggregateKind.Order, pay.OrderId),
        ShipOrder ship => new(AggregateKind.Order, ship.OrderId),
        CancelOrder cancel => new(AggregateKind.Order, cancel.OrderId),
        _ => throw new NotSupportedException($"{command.GetType().Name} has no target."),
    };

    /// <summary>Other aggregates whose state the decision reads.</summary>
    public static IEnumerable<AggregateId> ReferencesOf(Command command) => command is PlaceOrder place
        ? [new(AggregateKind.Customer, place.CustomerId), .. place.Items.Select(line => new AggregateId(AggregateKind.Product, line.ProductId))]
        : [];
}
