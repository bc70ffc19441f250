using Npgsql;
using Shop.Contracts.Commands;
using Shop.Local.ServiceBus;
using Shop.Local.Supervision;

namespace Shop.Tests.Commands.Outbox;

public sealed class OutboxRelayTests(PostgresFixture postgres) : IAsyncLifetime
{
    private string connectionString = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => connectionString = await postgres.CreateDatabaseAsync(Cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Every_event_reaches_the_bus_and_first_deliveries_follow_the_versions()
    {
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var listener = new BusListener(broker.ConnectionString);
        await using var host = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await SellAsync(host, 0, 300);
        await listener.UntilAsync(2 + 3 * 300, Cancellation);
        listener.AssertFirstDeliveriesInOrder();
        await AssertGapFreeAsync();
    }

    [Fact]
    public async Task Two_processes_write_one_gap_free_log_and_race_for_the_same_ids_without_a_double_effect()
    {
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var listener = new BusListener(broker.ConnectionString);
        await using var first = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await using var second = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await SellAsync(first, 0, 1);
        var results = await Task.WhenAll(SellAsync(first, 1, 400), SellAsync(second, 1, 400));
        Assert.All(results.SelectMany(result => result), result => Assert.True(result.Status is 200 or 201, result.Problem?.Detail));
        Assert.Equal(3 * 400, results.SelectMany(result => result).Count(result => !result.Replayed && result.Line > 2));

        await listener.UntilAsync(2 + 3 * 401, Cancellation);
        listener.AssertFirstDeliveriesInOrder();
        await AssertGapFreeAsync();
        Assert.Equal(401L, await ScalarAsync("select count(*) from orders where version = 3"));
        Assert.Equal(2L + 3 * 401, await ScalarAsync("select count(*) from outbox"));
    }

    [Fact]
    public async Task What_one_instance_left_behind_another_one_publishes()
    {
        await using (var lonely = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation)) await SellAsync(lonely, 0, 50);
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var listener = new BusListener(broker.ConnectionString);
        await using var host = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await listener.UntilAsync(2 + 3 * 50, Cancellation);
        listener.AssertFirstDeliveriesInOrder();
    }

    [Fact]
    public async Task Orders_placed_while_the_broker_is_away_are_published_when_it_is_back()
    {
        using var directory = new Local.TemporaryDirectory();
        var broker = await BrokerServer.StartAsync(new BrokerOptions { DataDirectory = directory.Path, Port = FreePort.Next() }, Cancellation);
        await using var host = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await SellAsync(host, 0, 20);
        await broker.DisposeAsync();
        await SellAsync(host, 20, 40);

        await using var again = await BrokerServer.StartAsync(new BrokerOptions { DataDirectory = directory.Path, Port = broker.Port }, Cancellation);
        await using var listener = new BusListener(again.ConnectionString);
        await listener.UntilAsync(2 + 3 * 60, Cancellation);
        listener.AssertFirstDeliveriesInOrder();
    }

    [Fact]
    public async Task An_event_the_broker_refuses_for_good_is_parked_and_its_shard_goes_on()
    {
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions { MaxMessageSize = 4_096 }, Cancellation);
        await using var listener = new BusListener(broker.ConnectionString);
        await using var host = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        var products = Enumerable.Range(0, 60).Select(index => $$"""{"type":"AddProduct","productId":"X{{index}}","name":"A product with quite a long name, number {{index}}","price":1.00}""");
        await CommandsHost.PostLinesAsync(host.Http, "/commands/batch", products, Cancellation);
        await SellAsync(host, 0, 5);
        await host.DoAsync(new PlaceOrder("TOO-LARGE", "C", [.. Enumerable.Range(0, 60).Select(index => new PlaceOrderLine($"X{index}", 1, 1m))]), Cancellation);
        await SellAsync(host, 5, 20);

        await listener.UntilAsync(60 + 2 + 3 * 25, Cancellation);
        // Those behind it in the same window may be there before its answer has been dealt with.
        await Eventually.TrueAsync(async () => await ScalarAsync("select subject from outbox_parked") is "order/TOO-LARGE", "it is parked", Cancellation);
        Assert.DoesNotContain(listener.Arrived, seen => seen.Subject == "order/TOO-LARGE");
    }

    [Fact]
    public async Task An_acknowledgement_that_could_not_be_saved_is_saved_although_nothing_more_happens()
    {
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var host = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await using (var connection = new NpgsqlConnection(connectionString))
        {
            await connection.OpenAsync(Cancellation);
            await using var fail = new NpgsqlCommand("""
                create sequence attempts;
                create function fail_once() returns trigger language plpgsql as $$
                begin
                    if nextval('attempts') = 1 then raise exception 'not this time' using errcode = 'admin_shutdown'; end if;
                    return null;
                end $$;
                create trigger fail_once before update on outbox_shard execute function fail_once();
                """, connection);
            await fail.ExecuteNonQueryAsync(Cancellation);
        }

        await host.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await Eventually.TrueAsync(async () => await ScalarAsync("select sum(acked)::bigint from outbox_shard") is 1L, "the only event is acknowledged", Cancellation);
        Assert.True(await ScalarAsync("select last_value from attempts") is >= 2L);
    }

    [Fact]
    public async Task A_transaction_held_open_neither_loses_nor_delays_events()
    {
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var listener = new BusListener(broker.ConnectionString);
        await using var host = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("select pg_current_xact_id(), count(*) from orders", connection)) await hold.ExecuteScalarAsync(Cancellation);

        await SellAsync(host, 0, 50);
        await listener.UntilAsync(2 + 3 * 50, Cancellation);
        await transaction.RollbackAsync(Cancellation);
        await AssertGapFreeAsync();
    }

    /// <summary>Registers a customer and a product (again, if need be), then places, pays and ships so many orders.</summary>
    private static Task<BatchLineResult[]> SellAsync(CommandsHost host, int first, int count) => CommandsHost.PostLinesAsync(host.Http, "/commands/batch",
    [
        """{"type":"RegisterCustomer","customerId":"C","name":"Customer"}""",
        """{"type":"AddProduct","productId":"P","name":"Product","price":2.50}""",
        .. Enumerable.Range(first, count).SelectMany(order => (string[])
        [
            $$"""{"type":"PlaceOrder","orderId":"O{{order}}","customerId":"C","items":[{"productId":"P","quantity":2,"price":2.50}]}""",
            $$"""{"type":"PayOrder","orderId":"O{{order}}","commandId":"pay{{order}}"}""",
            $$"""{"type":"ShipOrder","orderId":"O{{order}}","commandId":"ship{{order}}"}""",
        ]),
    ], Cancellation);

    private async Task AssertGapFreeAsync() => Assert.Equal(0L, await ScalarAsync("""
        select count(*) from (select position, row_number() over (partition by shard order by position) as expected from outbox) numbered
        where position <> expected
        """));

    private Task<object?> ScalarAsync(string sql) => PostgresFixture.ScalarAsync(connectionString, sql, Cancellation);
}
