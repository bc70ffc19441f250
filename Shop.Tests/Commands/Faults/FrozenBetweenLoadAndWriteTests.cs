using System.Net;
using Npgsql;
using Shop.Commands.Database;
using Shop.Contracts.Commands;

namespace Shop.Tests.Commands.Faults;

/// <summary>A process that stops exactly between its load and its write holds the locks of its load: for no longer than the server lets it.</summary>
public sealed class FrozenBetweenLoadAndWriteTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_process_frozen_between_load_and_write_loses_its_locks_and_its_late_write_changes_nothing()
    {
        var connectionString = await postgres.CreateDatabaseAsync(Cancellation);
        await using var proxy = new CuttingProxy(new NpgsqlConnectionStringBuilder(connectionString).Port);
        await using var frozen = await CommandsHost.StartAsync(
            new NpgsqlConnectionStringBuilder(connectionString) { Port = proxy.Port, ApplicationName = "frozen" }.ConnectionString, CommandsHost.NoBroker, Cancellation);
        await using var other = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await other.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await other.DoAsync(new AddProduct("P", "Product", 2.50m), Cancellation);
        await other.DoAsync(new PlaceOrder("O", "C", [new("P", 2, 2.50m)]), Cancellation);

        var held = proxy.HoldNextWrite();
        await using var watcher = new NpgsqlConnection(connectionString);
        await watcher.OpenAsync(Cancellation);
        var began = TimeProvider.System.GetTimestamp();
        var paying = frozen.PostAsync(new PayOrder("O"), Cancellation);
        await held;
        // Loaded, not written: its transaction is idle and holds the order's row.
        var idle = await ScalarAsync(watcher, "select count(*) from pg_stat_activity where application_name = 'frozen' and state = 'idle in transaction'");
        var taken = await Record.ExceptionAsync(() => ScalarAsync(watcher, "select 1 from orders where order_id = 'O' for no key update nowait"));
        // The server lets it for two seconds: a machine on which all this took longer has nothing to show here, and the rest all the same.
        if (TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(2))
            Assert.Equal((1L, PostgresErrorCodes.LockNotAvailable), (idle, Assert.IsType<PostgresException>(taken).SqlState));

        var cancelled = await other.DoAsync(new CancelOrder("O"), Cancellation);

        Assert.Equal(2, cancelled.Version);
        proxy.ReleaseWrite();
        // Its write meets a session that the server has ended; decided again, the order is no longer one to be paid.
        using var late = await paying;
        Assert.Equal(HttpStatusCode.UnprocessableEntity, late.StatusCode);
        Assert.Equal("Cancelled", await PostgresFixture.ScalarAsync(connectionString, "select status from orders where order_id = 'O' and version = 2", Cancellation));
        Assert.Equal(2L, await PostgresFixture.ScalarAsync(connectionString, "select count(*) from outbox where subject = 'order/O'", Cancellation));
    }

    [Fact]
    public async Task The_server_notices_within_seconds_that_a_machine_is_gone_which_was_sending()
    {
        var builder = new NpgsqlDataSourceBuilder(await postgres.CreateDatabaseAsync(Cancellation));
        WriterSession.Configure(builder);
        await using var sessions = builder.Build();
        await using var connection = await sessions.OpenConnectionAsync(Cancellation);
        Assert.Equal("5 2 3", await ScalarAsync(connection,
            "select concat_ws(' ', current_setting('tcp_keepalives_idle'), current_setting('tcp_keepalives_interval'), current_setting('tcp_keepalives_count'))"));
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
