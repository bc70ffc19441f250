using System.Text.Json;
using Shop.Contracts.Commands;
using Shop.Local.Seed;

namespace Shop.Tests.Local;

public sealed class ShopSeedTests
{
    private static readonly DateTimeOffset Until = new(2026, 7, 19, 8, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_same_numbers_give_the_same_shop_and_more_orders_contain_fewer()
    {
        var (few, same, more) = (Lines(new(50, 1, Until)), Lines(new(50, 1, Until.AddDays(3))), Lines(new(120, 1, Until)));
        Assert.Equal(few, same);
        Assert.Empty(few.Except(more));
        Assert.Equal(120, more.Count(line => line.Contains("\"PlaceOrder\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void Orders_name_what_exists_lie_in_the_two_years_and_are_paid_before_they_are_shipped()
    {
        var commands = new ShopSeed(300, 2, Until).Commands().ToList();
        var customers = commands.OfType<RegisterCustomer>().Select(customer => customer.CustomerId).ToHashSet();
        var prices = commands.OfType<AddProduct>().ToDictionary(product => product.ProductId, product => product.Price);
        var paid = commands.OfType<PayOrder>().ToDictionary(payment => payment.OrderId, payment => payment.Timestamp);
        var end = new DateTimeOffset(2026, 7, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.All(commands.OfType<PlaceOrder>(), order =>
        {
            Assert.Contains(order.CustomerId, customers);
            Assert.All(order.Items, line => Assert.Equal(prices[line.ProductId], line.Price));
            Assert.Equal(order.Items.Count, order.Items.Select(line => line.ProductId).Distinct().Count());
            Assert.InRange(order.Timestamp!.Value, end.AddDays(-730), end);
        });
        Assert.All(commands.OfType<ShipOrder>(), shipment => Assert.True(paid[shipment.OrderId] < shipment.Timestamp && shipment.Timestamp < end));
    }

    private static List<string> Lines(ShopSeed seed) => [.. seed.Commands().Select(command => JsonSerializer.Serialize(command, CommandJson.Default.Command))];
}
