using System.Globalization;
using Shop.Contracts.Commands;

namespace Shop.Chaos.Clients;

/// <summary>What the clients share: a few products, a few customers that everybody orders for, and the hot orders.</summary>
internal sealed class Catalogue(int clients)
{
    public const int SharedCustomers = 3;
    private const int Products = 6, HotOrders = 3;
    private readonly int[] hotGenerations = new int[HotOrders];

    public Marks Marks { get; } = new();

    public static string Product(int number) => string.Create(CultureInfo.InvariantCulture, $"p{number}");

    public static string SharedCustomer(int number) => string.Create(CultureInfo.InvariantCulture, $"shared-{number}");

    /// <summary>The customer for whom only one client orders.</summary>
    public static string OwnCustomer(int client) => string.Create(CultureInfo.InvariantCulture, $"own-{client}");

    public static string CustomerOf(int client, Random random) => random.Next(3) == 0 ? OwnCustomer(client) : SharedCustomer(random.Next(SharedCustomers));

    /// <summary>Customers and products, to be there before anything else happens.</summary>
    public IEnumerable<Intent> Foundations()
    {
        for (var product = 0; product < Products; product++)
        {
            var (id, name) = (Product(product), Marks.NextName("Product"));
            yield return new($"add {id}", new AddProduct(id, name, Price(product)), $"product/{id}", name);
        }

        foreach (var id in Enumerable.Range(0, SharedCustomers).Select(SharedCustomer).Concat(Enumerable.Range(1, clients).Select(OwnCustomer)))
        {
            var name = Marks.NextName("Customer");
            yield return new($"register {id}", new RegisterCustomer(id, name), $"customer/{id}", name);
        }
    }

    public static IReadOnlyList<PlaceOrderLine> Lines(Random random) =>
    [
        .. Enumerable.Range(0, Products).OrderBy(_ => random.Next()).Take(1 + random.Next(3))
            .Select(product => new PlaceOrderLine(Product(product), 1 + random.Next(4), Price(product))),
    ];

    /// <summary>The hot order of a slot now: everybody works on it until it is shipped or cancelled, then there is another.</summary>
    public string HotOrder(int slot) => string.Create(CultureInfo.InvariantCulture, $"hot-{slot}-{Volatile.Read(ref hotGenerations[slot])}");

    public static int HotSlots => HotOrders;

    public void Finished(int slot, string order)
    {
        if (HotOrder(slot) == order) Interlocked.Increment(ref hotGenerations[slot]);
    }

    /// <summary>The same command for every client: whoever comes first places it, and the others are told the same.</summary>
    public static Intent PlaceHot(string order)
    {
        // Derived from the identifier, on every client alike.
        var number = order.Aggregate(17, (hash, character) => unchecked((hash * 31) + character)) & 0xffffff;
        var instant = new DateTimeOffset(2023, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMilliseconds(number);
        var command = new PlaceOrder(order, SharedCustomer(number % SharedCustomers), Lines(new Random(number))) { Timestamp = instant };
        return new($"place {order}", command, $"order/{order}", Marks.Of(instant));
    }

    /// <summary>Of what only one customer buys.</summary>
    public const decimal SpecialPrice = 7.75m;

    private static decimal Price(int product) => 1.25m + (product * 3.50m);
}
