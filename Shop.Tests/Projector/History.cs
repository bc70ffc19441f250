using System.Text.Json;
using Shop.Contracts.Events;
using Shop.Projector.Projection;

namespace Shop.Tests.Projector;

/// <summary>
/// A random history of a small shop, as the write side could have decided it: versions count up, an order's customer, date and lines
/// never change, and an order event carries names that may be older than the newest ones, because they are read without locks.
/// </summary>
public sealed class History
{
    private static readonly DateTimeOffset start = new(2023, 10, 27, 10, 0, 0, TimeSpan.Zero);
    private readonly Random random;
    private readonly string prefix;
    private readonly Dictionary<string, List<CustomerState>> customers = [];
    private readonly Dictionary<string, List<ProductState>> products = [];
    private readonly Dictionary<string, OrderState> orders = [];

    public History(int seed, string prefix, int decisions)
    {
        random = new Random(seed);
        this.prefix = prefix;
        for (var i = 0; i < 2; i++)
        {
            Register(new($"{prefix}C{i}", "Customer name 1", 1, 1));
            Add(new($"{prefix}P{i}", "Product name 1", 10.50m + i, false, 1, 1));
        }

        for (var i = 0; i < decisions; i++) Decide();
    }

    public List<IncomingEvent> Events { get; } = [];

    public IReadOnlyDictionary<string, OrderState> Orders => orders;

    public CustomerState Customer(string id) => customers[id][^1];

    public ProductState Product(string id) => products[id][^1];

    public IEnumerable<string> ProductIds => products.Keys;

    public IEnumerable<string> CustomerIds => customers.Keys;

    /// <summary>What the document of an order must be in the end: its last state with the newest names.</summary>
    public OrderState Folded(OrderState order) => order with
    {
        CustomerName = Customer(order.CustomerId).Name,
        CustomerVersion = Customer(order.CustomerId).NameVersion,
        Items = [.. order.Items.Select(line => line with { ProductName = Product(line.ProductId).Name, ProductVersion = Product(line.ProductId).NameVersion })],
    };

    public static IncomingEvent Event(OrderState state) => new(EventTypes.OrderPlaced, JsonSerializer.SerializeToUtf8Bytes(state, EventJson.Default.OrderState));

    public static IncomingEvent Event(CustomerState state) =>
        new(EventTypes.CustomerRegistered, JsonSerializer.SerializeToUtf8Bytes(state, EventJson.Default.CustomerState));

    public static IncomingEvent Event(ProductState state) =>
        new(EventTypes.ProductAdded, JsonSerializer.SerializeToUtf8Bytes(state, EventJson.Default.ProductState));

    private void Decide()
    {
        switch (random.Next(6))
        {
            case 0:
                var customer = Customer(Pick(customers.Keys));
                Register(customer with { Name = $"Customer name {customer.Version + 1}", Version = customer.Version + 1, NameVersion = customer.Version + 1 });
                break;
            case 1:
                var product = Product(Pick(products.Keys));
                Add(product with { Name = $"Product name {product.Version + 1}", Version = product.Version + 1, NameVersion = product.Version + 1 });
                break;
            case 2:
                var repriced = Product(Pick(products.Keys));
                Add(repriced with { Price = repriced.Price + 1, Version = repriced.Version + 1 });
                break;
            case 3 when orders.Count > 0:
            case 4 when orders.Count > 0:
                Progress(orders[Pick(orders.Keys)]);
                break;
            default:
                Place();
                break;
        }
    }

    private void Place()
    {
        var id = $"{prefix}O{orders.Count}";
        var items = products.Values.Where(_ => random.Next(3) > 0).DefaultIfEmpty(products.Values.First())
            .Select(versions => versions[random.Next(versions.Count)])
            .Select(product => new OrderStateLine(product.ProductId, product.Name, product.NameVersion, random.Next(1, 9), product.Price)).ToArray();
        var customer = Stale(customers[Pick(customers.Keys)]);
        Decided(new(id, 1, customer.CustomerId, customer.Name, customer.NameVersion, start.AddHours(random.Next(90 * 24)),
            items.Sum(item => item.Quantity * item.Price), OrderStatus.Pending, items));
    }

    private void Progress(OrderState order)
    {
        var customer = Stale(customers[order.CustomerId]);
        var at = order.OrderDate.AddHours(order.Version);
        var next = order with
        {
            Version = order.Version + 1,
            CustomerName = customer.Name,
            CustomerVersion = customer.NameVersion,
            Items = [.. order.Items.Select(line =>
            {
                var product = products[line.ProductId][random.Next(products[line.ProductId].Count)];
                return line with { ProductName = product.Name, ProductVersion = product.NameVersion };
            })],
        };
        Decided((order.Status, random.Next(3)) switch
        {
            (OrderStatus.Shipped or OrderStatus.Cancelled, _) => order,
            (_, 0) => next with { Status = OrderStatus.Cancelled, CancelledAt = at },
            (OrderStatus.Pending, _) => next with { Status = OrderStatus.Paid, PaidAt = at },
            _ => next with { Status = OrderStatus.Shipped, ShippedAt = at },
        });
    }

    private void Decided(OrderState state)
    {
        orders[state.OrderId] = state;
        Events.Add(Event(state));
    }

    private void Register(CustomerState state)
    {
        if (customers.TryGetValue(state.CustomerId, out var versions)) versions.Add(state);
        else customers.Add(state.CustomerId, [state]);
        Events.Add(Event(state));
    }

    private void Add(ProductState state)
    {
        if (products.TryGetValue(state.ProductId, out var versions)) versions.Add(state);
        else products.Add(state.ProductId, [state]);
        Events.Add(Event(state));
    }

    private T Stale<T>(List<T> versions) => versions[random.Next(versions.Count)];

    private string Pick(IEnumerable<string> ids)
    {
        string[] all = [.. ids];
        return all[random.Next(all.Length)];
    }
}
