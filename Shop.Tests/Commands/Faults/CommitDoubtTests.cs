using System.Net;
using Npgsql;
using Shop.Contracts.Commands;

namespace Shop.Tests.Commands.Faults;

public sealed class CommitDoubtTests(PostgresFixture postgres) : IAsyncLifetime
{
    private string connectionString = null!;
    private CuttingProxy proxy = null!;
    private CommandsHost host = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        connectionString = await postgres.CreateDatabaseAsync(Cancellation);
        var direct = new NpgsqlConnectionStringBuilder(connectionString);
        proxy = new CuttingProxy(direct.Port);
        host = await CommandsHost.StartAsync(new NpgsqlConnectionStringBuilder(connectionString) { Port = proxy.Port }.ConnectionString, CommandsHost.NoBroker, Cancellation);
        await host.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await host.DoAsync(new AddProduct("P", "Product", 2.50m), Cancellation);
        await host.DoAsync(Order("O"), Cancellation);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_commit_whose_answer_is_lost_has_one_effect_and_is_answered_as_done(bool withCommandId)
    {
        proxy.SwallowCommitAnswers(1);
        var paid = await host.DoAsync(new PayOrder("O") { CommandId = withCommandId ? "pay" : null }, Cancellation);
        Assert.Equal(1, proxy.Cuts);
        Assert.Equal(2, paid.Version);
        await AssertEventsAsync("order/O", 2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_commit_that_never_reached_the_server_is_decided_again(bool withCommandId)
    {
        proxy.DropWrites(1);
        var paid = await host.DoAsync(new PayOrder("O") { CommandId = withCommandId ? "pay" : null }, Cancellation);
        Assert.Equal(1, proxy.Cuts);
        Assert.Equal(2, paid.Version);
        await AssertEventsAsync("order/O", 2);
    }

    [Fact]
    public async Task A_commit_that_takes_longer_than_anybody_waits_for_a_lock_stays_in_doubt_until_it_has_ended()
    {
        // The first transaction outlives its connection, and the three seconds for which the next one waits for it.
        await using var brake = new NpgsqlConnection(connectionString);
        await brake.OpenAsync(Cancellation);
        await ExecuteAsync(brake, """
            select pg_advisory_lock(4711);
            create function brake() returns trigger language plpgsql as $$
            begin
                perform set_config('lock_timeout', '0', true);
                perform pg_advisory_xact_lock(4711);
                return null;
            end $$;
            create trigger brake after update on orders execute function brake();
            """);
        proxy.CutAfterWrites(1);
        var paying = host.DoAsync(new PayOrder("O"), Cancellation);
        var first = await WhoWaitsForTheCommitAsync(except: null);
        await WhoWaitsForTheCommitAsync(except: first);
        await ExecuteAsync(brake, "select pg_advisory_unlock(4711)");
        Assert.Equal(2, (await paying).Version);
        Assert.Equal(1, proxy.Cuts);
        await AssertEventsAsync("order/O", 2);
    }

    [Fact]
    public async Task A_creating_command_whose_answer_is_lost_is_answered_as_the_first()
    {
        proxy.SwallowCommitAnswers(1);
        using var response = await host.PostAsync(Order("O2"), Cancellation);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.False(response.Headers.Contains("Idempotent-Replayed"));
        await AssertEventsAsync("order/O2", 1);
    }

    [Fact]
    public async Task Connections_cut_again_and_again_under_load_never_double_an_effect_nor_refuse_falsely()
    {
        for (var round = 0; round < 10; round++)
        {
            var first = round;
            proxy.SwallowCommitAnswers(2);
            proxy.DropWrites(1);
            var orders = Enumerable.Range(0, 40).Select(async order =>
            {
                var id = $"R{first}-{order}";
                await host.DoAsync(Order(id), Cancellation);
                return (await host.DoAsync(new PayOrder(id), Cancellation)).Version;
            });
            Assert.All(await Task.WhenAll(orders), version => Assert.Equal(2, version));
        }

        Assert.True(proxy.Cuts >= 10, $"only {proxy.Cuts} connections were cut");
        Assert.Equal(2L * 400, await ScalarAsync("select count(*) from outbox where subject like 'order/R%'"));
        Assert.Equal(400L, await ScalarAsync("select count(*) from orders where order_id like 'R%' and version = 2 and status = 'Paid'"));
        Assert.Equal(0L, await ScalarAsync("""
            select count(*) from (select position, row_number() over (partition by shard order by position) as expected from outbox) numbered where position <> expected
            """));
    }

    private static PlaceOrder Order(string id) => new(id, "C", [new("P", 2, 2.50m)]);

    /// <summary>The transaction that waits for the one in doubt, named by its start.</summary>
    private Task<string> WhoWaitsForTheCommitAsync(string? except) => Eventually.NotNullAsync(async () => await ScalarAsync($"""
        select a.xact_start::text from pg_locks l join pg_stat_activity a using (pid)
        where a.datname = current_database() and a.query like 'insert into command_group%' and l.locktype = 'transactionid' and not l.granted
            and a.xact_start::text <> '{except}'
        """) as string, "a transaction waits for the one in doubt", Cancellation);

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private async Task AssertEventsAsync(string subject, int expected)
    {
        Assert.Equal((long)expected, await ScalarAsync($"select count(*) from outbox where subject = '{subject}'"));
        Assert.Equal(expected, await ScalarAsync($"select max(version) from outbox where subject = '{subject}'"));
    }

    private Task<object?> ScalarAsync(string sql) => PostgresFixture.ScalarAsync(connectionString, sql, Cancellation);

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await proxy.DisposeAsync();
    }
}
