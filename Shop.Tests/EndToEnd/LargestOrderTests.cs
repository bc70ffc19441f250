using System.Text.Json;
using Shop.Contracts.Commands;
using Shop.Local.Mongo;
using Shop.Local.ServiceBus;
using Shop.Tests.Commands;
using Shop.Tests.Projector;

namespace Shop.Tests.EndToEnd;

public sealed class LargestOrderTests(PostgresFixture postgres)
{
    private const int Lines = 1_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_largest_legal_order_passes_through_the_whole_system()
    {
        var connectionString = await postgres.CreateDatabaseAsync(Cancellation);
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var store = await StoreServer.StartAsync(new StoreOptions(), Cancellation);
        await using var commands = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await using var projector = await ServiceHost.StartProjectorAsync(store.ConnectionString, broker.ConnectionString, Cancellation);
        await using var queries = await ServiceHost.StartQueriesAsync(store.ConnectionString, Cancellation);
        // Names as long as an event of 200 KB leaves room for.
        var names = Enumerable.Range(0, Lines).Select(line => $"{line:0000} " + new string((char)('a' + (line % 26)), 105)).ToArray();
        var products = names.Select((name, line) => JsonSerializer.Serialize<Command>(new AddProduct($"P{line}", name, 999.99m), CommandJson.Default.Command));
        await CommandsHost.PostLinesAsync(commands.Http, "/commands/batch", products, Cancellation);
        await commands.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);

        await commands.DoAsync(new PlaceOrder("LARGEST", "C", [.. Enumerable.Range(0, Lines).Select(line => new PlaceOrderLine($"P{line}", 1_000_000, 999.99m))]), Cancellation);

        var bytes = (int)(await PostgresFixture.ScalarAsync(connectionString, "select length(data) from outbox where subject = 'order/LARGEST'", Cancellation))!;
        Assert.InRange(bytes, 180 * 1024, 200 * 1024);
        JsonElement order = default;
        await Eventually.TrueAsync(async () =>
        {
            using var response = await queries.Http.GetAsync("/orders/LARGEST", Cancellation);
            if (!response.IsSuccessStatusCode) return false;
            order = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation)).RootElement;
            return true;
        }, "the order is in the read model", Cancellation);
        Assert.Equal(999_990_000_000.00m, order.GetProperty("totalAmount").GetDecimal());
        var items = order.GetProperty("items");
        Assert.Equal(Lines, items.GetArrayLength());
        Assert.Equal(names, items.EnumerateArray().Select(item => item.GetProperty("productName").GetString()));
        Assert.All(items.EnumerateArray(), item => Assert.Equal((1_000_000, 999.99m), (item.GetProperty("quantity").GetInt32(), item.GetProperty("price").GetDecimal())));
    }
}
