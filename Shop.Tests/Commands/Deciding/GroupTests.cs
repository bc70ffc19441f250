using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shop.Contracts.Commands;

namespace Shop.Tests.Commands.Deciding;

/// <summary>Groups on a real database.</summary>
public sealed class GroupTests(PostgresFixture postgres) : IAsyncLifetime
{
    private string connectionString = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => connectionString = await postgres.CreateDatabaseAsync(Cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_group_is_two_round_trips_however_many_commands_it_has()
    {
        await using var host = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        var database = new NpgsqlConnectionStringBuilder(connectionString).Database;
        var batches = new ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                // One that gave up waiting for the lock is loaded again and counts when it succeeds.
                if (activity.GetTagItem("db.namespace") as string != database || activity.Status == ActivityStatusCode.Error) return;
                var text = activity.GetTagItem("db.query.text") as string ?? "";
                if (text.Contains("command_group (group_id", StringComparison.Ordinal)) batches.Enqueue("load");
                if (text.Contains("insert into outbox", StringComparison.Ordinal)) batches.Enqueue("write");
            },
        };
        ActivitySource.AddActivityListener(listener);

        // While one table is locked, the commands of all shards gather behind the writers that wait for it.
        var writers = Math.Clamp(Environment.ProcessorCount, 2, 4);
        await using var blocker = new NpgsqlConnection(connectionString);
        await blocker.OpenAsync(Cancellation);
        await using var transaction = await blocker.BeginTransactionAsync(Cancellation);
        await using (var block = new NpgsqlCommand("lock table customers in access exclusive mode", blocker)) await block.ExecuteNonQueryAsync(Cancellation);
        var registering = Enumerable.Range(0, 400).Select(index => host.DoAsync(new RegisterCustomer($"C{index}", "Customer"), Cancellation)).ToArray();
        await Eventually.TrueAsync(async () => (long)(await ScalarAsync("select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())"))! >= writers, "every writer waits", Cancellation);
        await transaction.RollbackAsync(Cancellation);
        await Task.WhenAll(registering);

        Assert.Equal(400L, await ScalarAsync("select count(*) from customers"));
        await Eventually.TrueAsync(() => Task.FromResult(batches.Contains("write")), "the batches are seen", Cancellation);
        Assert.Equal(batches.Count(batch => batch == "load"), batches.Count(batch => batch == "write"));
        Assert.InRange(batches.Count(batch => batch == "write"), writers, 100);
    }

    [Fact]
    public async Task A_command_that_comes_alone_waits_for_no_company()
    {
        // With these it could wait for ever: whatever a write side would wait for a while for never comes.
        await using var host = await CommandsHost.StartAsync(
            connectionString, CommandsHost.NoBroker, services => services.AddSingleton<TimeProvider>(new TimeWithoutTimers()), Cancellation);

        Assert.Equal(1, (await host.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation)).Version);
        Assert.Equal(2, (await host.DoAsync(new RenameCustomer("C", "Another"), Cancellation)).Version);
    }

    [Fact]
    public async Task A_caller_is_answered_only_after_the_commit()
    {
        await using var host = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await using var blocker = new NpgsqlConnection(connectionString);
        await blocker.OpenAsync(Cancellation);
        // Numbering is the last thing before the commit, and waits for these.
        await using (var hold = new NpgsqlCommand("select pg_advisory_lock(1936224112, shard) from outbox_shard", blocker)) await hold.ExecuteNonQueryAsync(Cancellation);
        var registering = host.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await Eventually.TrueAsync(
            async () => (long)(await ScalarAsync("select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())"))! == 1,
            "the group waits before its commit", Cancellation);

        Assert.Equal((false, 0L), (registering.IsCompleted, await ScalarAsync("select count(*) from customers")));

        await using (var release = new NpgsqlCommand("select pg_advisory_unlock_all()", blocker)) await release.ExecuteNonQueryAsync(Cancellation);
        Assert.Equal(1, (await registering).Version);
        Assert.Equal(1L, await ScalarAsync("select count(*) from customers"));
    }

    [Fact]
    public async Task A_customer_locked_by_somebody_else_holds_up_only_what_is_about_it()
    {
        await using var host = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await host.DoAsync(new RegisterCustomer("LOCKED", "Customer"), Cancellation);
        await using var other = new NpgsqlConnection(connectionString);
        await other.OpenAsync(Cancellation);
        await using var transaction = await other.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("select from customers where customer_id = 'LOCKED' for update", other)) await hold.ExecuteNonQueryAsync(Cancellation);

        // The first of them waits for the lock, with its group; the rest wait for that group, and nobody else does.
        Task<CommandResult>[] held = [.. Enumerable.Range(0, 5).Select(number => host.DoAsync(new RenameCustomer("LOCKED", $"Name {number}"), Cancellation))];
        await Eventually.TrueAsync(
            async () => (long)(await ScalarAsync("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"))! == 1,
            "a group waits for the lock", Cancellation);
        for (var number = 0; number < 20; number++)
        {
            await host.DoAsync(new RegisterCustomer($"C{number}", "Customer"), Cancellation).WaitAsync(Eventually.Deadline, Cancellation);
            Assert.DoesNotContain(held, renaming => renaming.IsCompleted);
        }

        await transaction.RollbackAsync(Cancellation);
        Assert.Equal([2, 3, 4, 5, 6], (await Task.WhenAll(held)).Select(result => result.Version).Order());
    }

    [Fact]
    public async Task Commands_on_one_order_are_decided_in_order_whatever_groups_they_fall_into()
    {
        await using var host = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await host.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await host.DoAsync(new AddProduct("P", "Product", 2.50m), Cancellation);

        // None of the steps waits for an answer: one finds the step before it in its own group, or in the one under way.
        var orders = Enumerable.Range(0, 300).ToArray();
        string[] lines =
        [
            .. orders.SelectMany(order => new[]
            {
                $$"""{"type":"PlaceOrder","orderId":"O{{order}}","customerId":"C","items":[{"productId":"P","quantity":1,"price":2.50}]}""",
                $$"""{"type":"PayOrder","orderId":"O{{order}}"}""",
                $$"""{"type":"ShipOrder","orderId":"O{{order}}"}""",
            }),
        ];
        var answers = await CommandsHost.PostLinesAsync(host.Http, "/commands/batch", lines, Cancellation);

        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 201, $"line {answer.Line}: {answer.Status} {answer.Problem?.Detail}"));
        Assert.Equal(300L, await ScalarAsync("select count(*) from orders where status = 'Shipped' and version = 3"));
        Assert.Equal(900L, await ScalarAsync("select count(*) from outbox where subject like 'order/O%'"));
    }

    [Fact]
    public async Task Concurrent_duplicates_over_two_processes_have_one_effect_and_the_same_answer()
    {
        await using var first = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await using var second = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await first.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await first.DoAsync(new AddProduct("P", "Product", 2.50m), Cancellation);
        await first.DoAsync(new PlaceOrder("O", "C", [new("P", 1, 2.50m)]), Cancellation);

        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(async index =>
        {
            using var response = await (index % 2 == 0 ? first : second).PostAsync(new PayOrder("O") { CommandId = "pay" }, Cancellation);
            return (response.StatusCode, Body: await response.Content.ReadAsStringAsync(Cancellation), Replayed: response.Headers.Contains("Idempotent-Replayed"));
        }));
        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.OK, """{"id":"O","version":2}"""), (answer.StatusCode, answer.Body)));
        Assert.Single(answers, answer => !answer.Replayed);
        Assert.Equal(2L, await ScalarAsync("select count(*) from outbox where subject = 'order/O'"));
    }

    [Fact]
    public async Task Racing_creations_of_one_id_never_mix_two_orders()
    {
        await using var first = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await using var second = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await first.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await CommandsHost.PostLinesAsync(first.Http, "/commands/batch", Enumerable.Range(0, 5).Select(index => $$"""{"type":"AddProduct","productId":"P{{index}}","name":"P","price":1.00}"""), Cancellation);

        for (var order = 0; order < 20; order++)
        {
            var id = $"O{order}";
            var statuses = await Task.WhenAll(Enumerable.Range(0, 4).Select(async variant =>
            {
                var lines = Enumerable.Range(0, variant + 1).Select(line => new PlaceOrderLine($"P{line}", 1, 1m)).ToArray();
                using var response = await (variant % 2 == 0 ? first : second).PostAsync(new PlaceOrder(id, "C", lines), Cancellation);
                return response.StatusCode;
            }));
            Assert.Single(statuses, status => status == HttpStatusCode.Created);
            Assert.Equal(3, statuses.Count(status => status == HttpStatusCode.Conflict));
        }

        Assert.Equal(0L, await ScalarAsync("select count(*) from orders o where o.total_amount <> (select count(*) from order_items i where i.order_id = o.order_id)"));
        Assert.Equal(20L, await ScalarAsync("select count(*) from outbox where subject like 'order/%'"));
    }

    [Fact]
    public async Task Two_processes_changing_the_same_orders_lose_no_update_and_never_deadlock()
    {
        await using var first = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await using var second = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        await CommandsHost.PostLinesAsync(first.Http, "/commands/batch", Enumerable.Range(0, 10).Select(index => $$"""{"type":"RegisterCustomer","customerId":"C{{index}}","name":"C"}"""), Cancellation);
        var renames = new[] { first, second }.SelectMany(host => Enumerable.Range(0, 4).Select(client => CommandsHost.PostLinesAsync(host.Http, "/commands/batch",
            Enumerable.Range(0, 250).Select(index => $$"""{"type":"RenameCustomer","customerId":"C{{(index + client) % 10}}","name":"Name {{index}}"}"""), Cancellation)));
        var results = (await Task.WhenAll(renames)).SelectMany(result => result).ToArray();
        Assert.All(results, result => Assert.Equal(200, result.Status));
        Assert.Equal(10L + 2_000, await ScalarAsync("select sum(version)::bigint from customers"));
        Assert.Equal(0L, await ScalarAsync("select deadlocks from pg_stat_database where datname = current_database()"));
    }

    private Task<object?> ScalarAsync(string sql) => PostgresFixture.ScalarAsync(connectionString, sql, Cancellation);

    private sealed class TimeWithoutTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }
}
