using System.Text.Json;
using Npgsql;
using Shop.Contracts.Commands;
using Shop.Local.Administration;
using Shop.Local.ServiceBus;
using Shop.Local.Supervision;

namespace Shop.Tests.Commands.Outbox;

/// <summary>The outbox as a log: its partitions, its numbering, and what was parked.</summary>
public sealed class OutboxLogTests(PostgresFixture postgres) : IAsyncLifetime
{
    private string connectionString = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => connectionString = await postgres.CreateDatabaseAsync(Cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Retention_drops_only_partitions_that_every_shard_has_passed_also_while_a_reader_is_open()
    {
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var migrated = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await ExecuteAsync("alter table outbox detach partition outbox_0000000000000000; drop table outbox_0000000000000000");
        await ExecuteAsync("alter table outbox detach partition outbox_0000000001000000; drop table outbox_0000000001000000");
        await ExecuteAsync("select outbox_extend(1000)");
        await using var host = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation,
            "--Shop:Outbox:PartitionSize=1000", "--Shop:Outbox:Retention=00:00:00", "--Shop:Outbox:MaintenanceInterval=00:00:00.2");
        var first = await PartitionsAsync();

        await using var reader = new NpgsqlConnection(connectionString);
        await reader.OpenAsync(Cancellation);
        await using var transaction = await reader.BeginTransactionAsync(Cancellation);
        await using (var look = new NpgsqlCommand("select count(*) from outbox", reader)) await look.ExecuteScalarAsync(Cancellation);
        for (var round = 0; round < 5; round++)
        {
            await CommandsHost.PostLinesAsync(host.Http, "/commands/batch",
                Enumerable.Range(0, 2_000).Select(index => $$"""{"type":"RegisterCustomer","customerId":"C{{round}}-{{index}}","name":"Customer"}"""), Cancellation);
        }

        await transaction.CommitAsync(Cancellation);
        await Eventually.TrueAsync(async () => !(await PartitionsAsync()).Contains(first[0]), "the first partition is dropped", Cancellation);
        Assert.Equal(0L, await ScalarAsync("""
            select count(*) from outbox_shard s where not exists (select 1 from outbox o where o.shard = s.shard and o.position >= s.acked)
            """));
        var result = await host.DoAsync(new RegisterCustomer("LAST", "Customer"), Cancellation);
        Assert.Equal(1, result.Version);
        Assert.Equal(0L, await ScalarAsync("""
            select count(*) from (select position - lag(position) over (partition by shard order by position) as step from outbox) steps where step <> 1
            """));
    }

    [Fact]
    public async Task The_number_of_shards_is_chosen_before_the_first_event_and_stays()
    {
        await using (var migrating = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation))
            await ExecuteAsync("insert into outbox_shard (shard) select generate_series(4, 15)");
        await using var host = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        Assert.Equal(1, (await host.DoAsync(new RegisterCustomer("C1", "Customer"), Cancellation)).Version);
        foreach (var change in (string[])["insert into outbox_shard (shard) values (16)", "delete from outbox_shard where shard = 15"])
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(change));
            Assert.Equal(("SH002", "the number of shards can only be changed before the first event"), (refused.SqlState, refused.MessageText));
        }
    }

    [Fact]
    public async Task A_minute_long_transaction_here_or_in_another_database_neither_loses_nor_delays_events_nor_slows_numbering()
    {
        var other = await postgres.CreateDatabaseAsync(Cancellation);
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var listener = new BusListener(broker.ConnectionString);
        await using var host = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        await using var here = await HoldAsync(connectionString);
        await using var there = await HoldAsync(other);

        var started = TimeProvider.System.GetTimestamp();
        var registered = 0;
        while (TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(60))
        {
            var first = registered;
            await CommandsHost.PostLinesAsync(host.Http, "/commands/batch",
                Enumerable.Range(first, 100).Select(index => $$"""{"type":"RegisterCustomer","customerId":"C{{index}}","name":"Customer"}"""), Cancellation);
            registered += 100;

            // Every event arrives while both transactions are still open.
            await listener.UntilAsync(registered, Cancellation);
        }

        // Finding the head costs the same few pages, however long others kept the past alive.
        Assert.InRange(await HeadPagesAsync(), 1, 12);
    }

    [Fact]
    public async Task A_parked_event_is_replayed_by_the_administration()
    {
        using var directory = new Local.TemporaryDirectory();
        var broker = await BrokerServer.StartAsync(new BrokerOptions { DataDirectory = directory.Path, MaxMessageSize = 2_048, Port = FreePort.Next() }, Cancellation);
        await using var host = await CommandsHost.StartAsync(connectionString, broker.ConnectionString, Cancellation);
        using var administration = new ParkedAdministration(host.Administration.BaseAddress!.ToString(), CommandsHost.AdminKey);
        await host.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        var products = Enumerable.Range(0, 30).Select(index => $$"""{"type":"AddProduct","productId":"X{{index}}","name":"A product with quite a long name, number {{index}}","price":1.00}""");
        await CommandsHost.PostLinesAsync(host.Http, "/commands/batch", products, Cancellation);
        await host.DoAsync(new PlaceOrder("LARGE", "C", [.. Enumerable.Range(0, 30).Select(index => new PlaceOrderLine($"X{index}", 1, 1m))]), Cancellation);
        var parked = await Eventually.NotNullAsync(async () =>
        {
            var list = await administration.ListAsync(Cancellation);
            return list.Length == 1 ? list[0].Subject : null;
        }, "the event is parked", Cancellation);
        Assert.Equal("order/LARGE", parked);

        await broker.DisposeAsync();
        await using var larger = await BrokerServer.StartAsync(new BrokerOptions { DataDirectory = directory.Path, Port = broker.Port }, Cancellation);
        await using var listener = new BusListener(larger.ConnectionString);
        await Eventually.TrueAsync(async () =>
        {
            return (await administration.ReplayAsync(Cancellation)).KeptParked == 0;
        }, "the event is replayed", Cancellation);
        await listener.UntilAsync(32, Cancellation);
        Assert.Contains(listener.Arrived, seen => seen.Subject == "order/LARGE");
    }

    private static async Task<NpgsqlConnection> HoldAsync(string database)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var hold = new NpgsqlCommand("begin isolation level repeatable read; select pg_current_xact_id()", connection);
        await hold.ExecuteNonQueryAsync(Cancellation);
        return connection;
    }

    private async Task<List<string>> PartitionsAsync()
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand("select relname from pg_inherits join pg_class on oid = inhrelid where inhparent = 'outbox'::regclass order by relname", connection);
        await using var rows = await command.ExecuteReaderAsync(Cancellation);
        var names = new List<string>();
        while (await rows.ReadAsync(Cancellation)) names.Add(rows.GetString(0));
        return names;
    }

    private async Task<int> HeadPagesAsync()
    {
        var plan = (string)(await ScalarAsync("""
            explain (analyze, buffers, format json) select o.position from outbox o where o.shard = 0 order by o.position desc limit 1
            """))!;
        using var json = JsonDocument.Parse(plan);
        var root = json.RootElement[0].GetProperty("Plan");
        return root.GetProperty("Shared Hit Blocks").GetInt32() + root.GetProperty("Shared Read Blocks").GetInt32();
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private Task<object?> ScalarAsync(string sql) => PostgresFixture.ScalarAsync(connectionString, sql, Cancellation);
}
