using System.Net;
using Npgsql;
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
        var paying = frozen.PostAsync(new PayOrder("O"), Cancellation);
        await held;
        // Loaded, not written: its transaction is idle and holds the order's row.
        Assert.Equal(1L, await PostgresFixture.ScalarAsync(connectionString,
            "select count(*) from pg_stat_activity where application_name = 'frozen' and state = 'idle in transaction'", Cancellation));
        Assert.NotNull(await Record.ExceptionAsync(() => PostgresFixture.ScalarAsync(connectionString, "select 1 from orders where order_id = 'O' for no key update nowait", Cancellation)));

        var cancelled = await other.DoAsync(new CancelOrder("O"), Cancellation);

        Assert.Equal(2, cancelled.Version);
        proxy.ReleaseWrite();
        // Its write meets a session that the server has ended; decided again, the order is no longer one to be paid.
        using var refused = await paying;
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Equal("Cancelled", await PostgresFixture.ScalarAsync(connectionString, "select status from orders where order_id = 'O' and version = 2", Cancellation));
        Assert.Equal(2L, await PostgresFixture.ScalarAsync(connectionString, "select count(*) from outbox where subject = 'order/O'", Cancellation));
    }
}
