using System.Globalization;
using System.Text.Json;
using Shop.Contracts.Commands;

namespace Shop.Local.Seed;

/// <summary>
/// A plausible shop: customers, a catalogue, orders over the two years before a month, most of them paid and shipped. The same numbers give the same
/// commands, so that seeding twice in a month changes nothing and seeding more orders adds the missing ones; the month is part of every order's
/// id, so that a later one adds orders of its own.
/// </summary>
/// <param name="Orders">How many orders.</param>
/// <param name="Seed">Another number, another shop; part of the ids of customers and orders.</param>
/// <param name="Until">The first day of this moment's month (UTC) ends the two years.</param>
internal sealed record ShopSeed(int Orders, int Seed, DateTimeOffset Until)
{
    private const int OrdersPerCustomer = 5;
    private const int MostLines = 6;
    private const double Paid = 0.92, ShippedOfPaid = 0.9;
    private static readonly TimeSpan Period = TimeSpan.FromDays(730);

    private DateTimeOffset End => new(Until.UtcDateTime.Year, Until.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Known by the time of that order: their number grows with the orders.</summary>
    private static int CustomersFor(int order) => (order / OrdersPerCustomer) + 1;

    /// <summary>Each after what it needs, of one kind together: neighbours then do not wait for one another.</summary>
    public IEnumerable<Command> Commands()
    {
        for (var index = 0; index < CustomersFor(Orders - 1); index++) yield return new RegisterCustomer(CustomerId(index), CustomerName(index));
        for (var index = 0; index < SeedCatalogue.Products.Length; index++)
            yield return new AddProduct(ProductId(index), SeedCatalogue.Products[index].Name, SeedCatalogue.Products[index].Price);
        for (var index = 0; index < Orders; index++) yield return Draw(index).Order;
        for (var index = 0; index < Orders; index++)
        {
            if (Draw(index) is { PaidAt: { } paidAt, Order.OrderId: var id }) yield return new PayOrder(id) { Timestamp = paidAt };
        }

        for (var index = 0; index < Orders; index++)
        {
            if (Draw(index) is { ShippedAt: { } shippedAt, Order.OrderId: var id }) yield return new ShipOrder(id) { Timestamp = shippedAt };
        }
    }

    public async Task WriteAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = File.Create(path);
        foreach (var command in Commands())
        {
            await JsonSerializer.SerializeAsync(file, command, CommandJson.Default.Command, cancellationToken);
            file.WriteByte((byte)'\n');
        }
    }

    /// <summary>Everything about one order, from its number alone: it is drawn anew for its payment and its shipment instead of being kept.</summary>
    private DrawnOrder Draw(int index)
    {
        var random = new Random(unchecked((Seed * 1_000_003) + index));
        // From the number alone, not from how many there are: more orders are these and others.
        var orderedAt = End - Period + (Period * random.NextDouble());
        orderedAt = orderedAt.AddTicks(-(orderedAt.Ticks % TimeSpan.TicksPerSecond));
        var products = Enumerable.Range(0, random.Next(1, MostLines + 1)).Select(_ => Favoured(random, SeedCatalogue.Products.Length)).Distinct();
        var lines = products.Select(product => new PlaceOrderLine(ProductId(product), Favoured(random, 5) + 1, SeedCatalogue.Products[product].Price)).ToList();
        var id = string.Create(CultureInfo.InvariantCulture, $"SO-{Seed}-{End:yyyyMM}-{index + 1:D6}");
        var order = new PlaceOrder(id, CustomerId(Favoured(random, CustomersFor(index))), lines) { Timestamp = orderedAt };
        DateTimeOffset? paidAt = random.NextDouble() < Paid ? orderedAt.AddMinutes(random.Next(5, 3 * 24 * 60)) : null;
        DateTimeOffset? shippedAt = paidAt is not null && random.NextDouble() < ShippedOfPaid ? paidAt.Value.AddHours(random.Next(4, 6 * 24)) : null;
        // Nothing has happened yet that would lie after the end of the period.
        return new DrawnOrder(order, paidAt < End ? paidAt : null, shippedAt < End ? shippedAt : null);
    }

    /// <summary>Some are bought, and buy, much more than others.</summary>
    private static int Favoured(Random random, int count) => (int)(random.NextDouble() * random.NextDouble() * count);

    private string CustomerId(int index) => string.Create(CultureInfo.InvariantCulture, $"SC-{Seed}-{index + 1:D5}");

    private static string ProductId(int index) => string.Create(CultureInfo.InvariantCulture, $"SP-{index + 1:D3}");

    private string CustomerName(int index)
    {
        var random = new Random(unchecked((Seed * 7_919) - index));
        return $"{SeedCatalogue.FirstNames[random.Next(SeedCatalogue.FirstNames.Length)]} {SeedCatalogue.LastNames[random.Next(SeedCatalogue.LastNames.Length)]}";
    }

    private sealed record DrawnOrder(PlaceOrder Order, DateTimeOffset? PaidAt, DateTimeOffset? ShippedAt);
}
