using System.Net;
using System.Net.Http.Json;
using Shop.Contracts.Commands;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Commands.Outbox;

public sealed class LeadershipTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_killed_or_frozen_process_loses_lead_and_locks_within_seconds_and_the_tail_is_published_again(bool frozen)
    {
        using var directory = new Local.TemporaryDirectory();
        var connectionString = await postgres.CreateDatabaseAsync(Cancellation);
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), Cancellation);
        await using var listener = new BusListener(broker.ConnectionString);
        await using var first = await CommandsProcess.StartAsync(connectionString, broker.ConnectionString, directory.Path, Cancellation);
        await using var second = await CommandsProcess.StartAsync(connectionString, broker.ConnectionString, directory.Path, Cancellation);
        await DoAsync(first, new RegisterCustomer("C", "Customer"));
        await DoAsync(first, new AddProduct("P", "Product", 2.50m));

        // The first process leads every shard and is busy with a few hot customers when it goes.
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var busy = Task.WhenAll(Enumerable.Range(0, 8).Select(index => RenameUntilAsync(first, $"HOT{index % 2}", gone.Token)));
        await listener.UntilAsync(100, Cancellation);
        if (frozen) first.Freeze();
        else await first.KillAsync();

        for (var index = 0; index < 2; index++) await DoAsync(second, new RenameCustomer($"HOT{index}", "taken over"));
        for (var order = 0; order < 50; order++) await DoAsync(second, new PlaceOrder($"O{order}", "C", [new("P", 1, 2.50m)]));
        var committed = (int)(long)(await ScalarAsync(connectionString, "select count(*) from outbox"))!;
        await listener.UntilAsync(committed, Cancellation);

        if (frozen) first.Thaw();
        await gone.CancelAsync();
        await busy;
        var total = (int)(long)(await ScalarAsync(connectionString, "select count(*) from outbox"))!;
        await listener.UntilAsync(total, Cancellation);
        Assert.Equal(0L, await ScalarAsync(connectionString, """
            select count(*) from (select position, row_number() over (partition by shard order by position) as expected from outbox) numbered where position <> expected
            """));
        Assert.Equal(0L, await ScalarAsync(connectionString, """
            select count(*) from (select version, row_number() over (partition by subject order by shard, position) as expected from outbox) numbered where version <> expected
            """));
    }

    private static async Task RenameUntilAsync(CommandsProcess process, string customer, CancellationToken gone)
    {
        try
        {
            using var register = await process.Http.PostAsJsonAsync("/commands", new RegisterCustomer(customer, "Hot"), CommandJson.Default.Command, gone);
            for (var name = 0; !gone.IsCancellationRequested; name++)
            {
                using var response = await process.Http.PostAsJsonAsync("/commands", new RenameCustomer(customer, $"Name {name}"), CommandJson.Default.Command, gone);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            // The process is gone, or frozen until the test has seen enough.
            return;
        }
    }

    private static Task DoAsync(CommandsProcess process, Command command) => Eventually.TrueAsync(async () =>
    {
        using var response = await process.Http.PostAsJsonAsync("/commands", command, CommandJson.Default.Command, Cancellation);
        Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.ServiceUnavailable, await response.Content.ReadAsStringAsync(Cancellation));
        return response.IsSuccessStatusCode;
    }, $"{command} is done", Cancellation);

    private static Task<object?> ScalarAsync(string connectionString, string sql) => PostgresFixture.ScalarAsync(connectionString, sql, Cancellation);
}
