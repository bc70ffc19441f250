using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Shop.Contracts.Commands;
using Shop.Projector.Observation;
using Shop.Tests.Architecture;
using Shop.Tests.Commands;

namespace Shop.Tests.Observability;

public sealed partial class HealthTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_relay_that_is_frozen_while_it_leads_degrades_the_write_side_and_shows_in_the_backlog()
    {
        var database = await postgres.CreateDatabaseAsync(Cancellation);
        await using var frozen = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString);
        await frozen.OpenAsync(Cancellation);
        // What a leader elsewhere that no longer does anything looks like: it holds every shard's lock ("lead").
        await ExecuteAsync(frozen, "select pg_advisory_lock(x'6c656164'::int, shard) from generate_series(0, 3) as shard");
        await using var host = await CommandsHost.StartAsync(database, CommandsHost.NoBroker, Cancellation);
        await host.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await ExecuteAsync(frozen, "update outbox set occurred_at = now() - interval '1 minute'");

        using var response = await host.Http.GetAsync("/health", Cancellation);
        var report = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation)).RootElement;
        Assert.Equal((HttpStatusCode.OK, "Degraded"), (response.StatusCode, report.GetProperty("status").GetString()));
        var outbox = report.GetProperty("checks").GetProperty("outbox");
        Assert.Equal("Degraded", outbox.GetProperty("status").GetString());
        Assert.StartsWith("The oldest unpublished event waits for", outbox.GetProperty("description").GetString(), StringComparison.Ordinal);

        // And the operations manual finds it.
        await using var find = new NpgsqlCommand(FindLeaders().Match(Repository.Read("docs/operations.md")).Groups[1].Value, frozen);
        await using (var leaders = await find.ExecuteReaderAsync(Cancellation))
        {
            List<int> processes = [];
            while (await leaders.ReadAsync(Cancellation)) processes.Add(leaders.GetInt32(1));
            Assert.Equal(Enumerable.Repeat(frozen.ProcessID, 4), processes);
        }

        await using var source = NpgsqlDataSource.Create(database);
        var backlog = await Shop.Commands.Outbox.OutboxBacklog.ReadAsync(source, TimeProvider.System, Cancellation);
        Assert.Equal((1, 0), (backlog.Depth, backlog.Parked));
        Assert.True(backlog.OldestAge >= TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_projector_whose_batch_hangs_is_degraded_until_the_batch_is_done()
    {
        var time = new SettableTime();
        var status = new ProjectionStatus(time);
        var batch = status.Received(time.Now);
        time.Now += TimeSpan.FromSeconds(31);
        var client = new MongoDB.Driver.MongoClient("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=1");
        var check = new ProjectionHealthCheck(new(client.GetDatabase("shop")), status);

        var hanging = await check.CheckHealthAsync(new HealthCheckContext(), Cancellation);
        Assert.Equal(HealthStatus.Degraded, hanging.Status);
        Assert.StartsWith("The oldest event in hand has waited for 31", hanging.Description, StringComparison.Ordinal);
        status.BatchDone(batch);
        var done = await check.CheckHealthAsync(new HealthCheckContext(), Cancellation);
        Assert.Equal("MongoDB does not answer.", done.Description);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    [GeneratedRegex("`(select l\\.objid [^`]+)`")]
    private static partial Regex FindLeaders();

    private sealed class SettableTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
