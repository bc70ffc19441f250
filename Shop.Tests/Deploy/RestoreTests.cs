using System.Diagnostics;
using System.Globalization;
using System.Net;
using MongoDB.Driver;
using Npgsql;
using Shop.Contracts.Administration;
using Shop.Contracts.Commands;
using Shop.Contracts.Views;
using Shop.Local.Administration;
using Shop.Local.Postgres;
using Shop.Local.ServiceBus;
using Shop.Projector.Hosting;
using Shop.ServiceDefaults.Messaging;
using Shop.Tests.Commands;
using Shop.Tests.Projector;

namespace Shop.Tests.Deploy;

/// <summary>
/// The procedure of docs/operations.md, "Backup and restore": the write side goes back to a moment before some commands that were
/// acknowledged, published and projected, on a new server; the read model is rebuilt from it.
/// </summary>
public sealed class RestoreTests(ReadStore store, PostgresFixture postgres) : IClassFixture<ReadStore>, IAsyncLifetime
{
    private readonly string work = Directory.CreateTempSubdirectory("shop-restore-").FullName;
    private BrokerServer broker = null!;
    private CommandsHost commands = null!;
    private ServiceHost projector = null!;
    private ProjectorAdministration administration = null!;
    private int placed;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Archive => Path.Combine(work, "shop.dump");

    public async ValueTask InitializeAsync() => broker = await BrokerServer.StartAsync(new BrokerOptions(), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        if (projector is not null) await StopProjectorAsync();
        if (commands is not null) await commands.DisposeAsync();
        await broker.DisposeAsync();
        Directory.Delete(work, recursive: true);
    }

    [Fact]
    public async Task A_write_side_restored_to_an_earlier_moment_gets_a_read_model_that_equals_it_and_goes_on()
    {
        var (before, oldReadModel) = (await postgres.CreateDatabaseAsync(Cancellation), store.NewConnectionString());
        await FillUntilTheBackupAsync(before);
        await StartProjectorAsync(oldReadModel);
        await LiveOnAfterTheBackupAsync(oldReadModel);

        // The disaster, and step 1 to 3: everything is stopped, what is still on its way is thrown away, the backup is restored elsewhere.
        await StopProjectorAsync();
        await commands.DoAsync(new RenameCustomer("C", "On its way"), Cancellation);
        await Eventually.TrueAsync(async () => await UnpublishedAsync(before) == 0, "the event of the rename is at the broker", Cancellation);
        await commands.DisposeAsync();
        await EmptyTheSubscriptionAsync();
        await using var restored = await LocalPostgres.StartAsync(new LocalPostgresOptions { Fsync = false }, Cancellation);
        await RestoreAsync(restored.ConnectionString);
        Assert.True(await IsGapFreeAsync(restored.ConnectionString));

        // Steps 4 and 5: the services start on it, with a read database of its own, which is filled by a rebuild.
        commands = await CommandsHost.StartAsync(restored.ConnectionString, broker.ConnectionString, Cancellation);
        var newReadModel = store.NewConnectionString();
        await StartProjectorAsync(newReadModel);
        Assert.Equal(RebuildPhase.Live, (await RebuildAsync()).Rebuild!.Phase);
        await Eventually.TrueAsync(async () => await UnpublishedAsync(restored.ConnectionString) == 0, "what the backup had not published is published", Cancellation);
        await AssertTheLostCommandsAreLostAndCanBeRepeatedAsync(newReadModel);
        await Eventually.TrueAsync(async () => await VerifyAsync() is { Unsettled: 0 } report && report.IsEqual(), "the read model equals the write side", Cancellation);

        // Why the old read database must not be used again: it has seen versions that the write side has not.
        await StopProjectorAsync();
        await StartProjectorAsync(oldReadModel);
        Assert.Equal(RebuildPhase.Different, (await RebuildAsync()).Rebuild!.Phase);
    }

    /// <summary>Orders, the last of them not published yet, and a backup taken while more are placed.</summary>
    private async Task FillUntilTheBackupAsync(string database)
    {
        commands = await CommandsHost.StartAsync(database, CommandsHost.NoBroker, Cancellation);
        await commands.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await commands.DoAsync(new AddProduct("P", "Product", 2.50m), Cancellation);
        for (var number = 0; number < 5; number++) await PlaceAsync(string.Create(CultureInfo.InvariantCulture, $"before-{number}"));
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = PlaceUntilAsync(enough.Token);
        await RunAsync("pg_dump", database, "--format=custom", $"--file={Archive}");
        await enough.CancelAsync();
        await load;
        Assert.True(await UnpublishedAsync(database) > 0);
        await commands.DisposeAsync();
        commands = await CommandsHost.StartAsync(database, broker.ConnectionString, Cancellation);
    }

    /// <summary>What a restore loses, as seen by the read side.</summary>
    private async Task LiveOnAfterTheBackupAsync(string readdb)
    {
        await commands.DoAsync(new PayOrder("before-1") { CommandId = "lost-payment" }, Cancellation);
        await commands.DoAsync(new ShipOrder("before-1"), Cancellation);
        await commands.DoAsync(new RenameCustomer("C", "Renamed in vain"), Cancellation);
        await PlaceAsync("lost");
        await Eventually.TrueAsync(async () => await StatusAsync(readdb, "before-1") == "Shipped" && await StatusAsync(readdb, "lost") == "Pending", "it is projected", Cancellation);
    }

    private async Task AssertTheLostCommandsAreLostAndCanBeRepeatedAsync(string readdb)
    {
        Assert.Equal("Pending", await StatusAsync(readdb, "before-1"));
        Assert.Null(await StatusAsync(readdb, "lost"));

        // The same command, with the same identifier, has not happened in this history; another content for a lost identifier is welcome.
        using var repeated = await commands.PostAsync(new PayOrder("before-1") { CommandId = "lost-payment" }, Cancellation);
        Assert.Equal((HttpStatusCode.OK, false), (repeated.StatusCode, repeated.Headers.Contains("Idempotent-Replayed")));
        await commands.DoAsync(new PlaceOrder("lost", "C", [new("P", 7, 2.50m)]), Cancellation);
        await commands.DoAsync(new RenameCustomer("C", "Renamed again"), Cancellation);
        await Eventually.TrueAsync(async () =>
        {
            var order = await store.Open(readdb).Generation(2).Orders.FindByIdAsync("lost", Cancellation);
            return order is { TotalAmount: 17.50m, CustomerName: "Renamed again" } && await StatusAsync(readdb, "before-1") == "Paid";
        }, "the new history is projected", Cancellation);
    }

    private async Task PlaceUntilAsync(CancellationToken enough)
    {
        while (!enough.IsCancellationRequested) await PlaceAsync(string.Create(CultureInfo.InvariantCulture, $"load-{placed}"));
    }

    private async Task PlaceAsync(string id)
    {
        await commands.DoAsync(new PlaceOrder(id, "C", [new("P", 1, 2.50m)]), Cancellation);
        placed++;
    }

    private async Task StartProjectorAsync(string readdb)
    {
        projector = await ServiceHost.StartAdministeredProjectorAsync(readdb, broker.ConnectionString, Cancellation,
            $"--services:commands:admin:0={commands.Administration.BaseAddress!.ToString().TrimEnd('/')}", "--Shop:Rebuild:SettleTime=00:00:00.5", "--Shop:Rebuild:LongestSettleTime=00:00:05");
        administration = new ProjectorAdministration(projector.AdministrationUrl, ServiceHost.AdminKey);
    }

    private async Task StopProjectorAsync()
    {
        administration.Dispose();
        await projector.DisposeAsync();
    }

    private async Task<string?> StatusAsync(string readdb, string order)
    {
        var models = store.Open(readdb);
        var state = await models.FindStateAsync(Cancellation);
        return state is null ? null : (await models.Generation(state.Live).Orders.FindByIdAsync(order, Cancellation))?.Status;
    }

    private async Task<RebuildStatus> RebuildAsync()
    {
        await Eventually.TrueAsync(async () => (await administration.RebuildStatusAsync(Cancellation)).Live > 0, "the projector has set up its database", Cancellation);
        var status = await administration.RebuildAsync("", Cancellation);
        await Eventually.TrueAsync(async () =>
        {
            status = await administration.RebuildStatusAsync(Cancellation);
            return !RebuildPhase.IsRunning(status.Rebuild!.Phase);
        }, "the rebuild ends", Cancellation);
        return status;
    }

    private async Task<ComparisonReport> VerifyAsync() => (await AsyncEnumerable.LastAsync(administration.VerifyAsync(Cancellation), Cancellation)).Report!;

    /// <summary>On Azure the subscription is deleted and created again.</summary>
    private async Task EmptyTheSubscriptionAsync()
    {
        await using var bus = new BusClient(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(broker.ConnectionString) });
        await using var receiver = bus.CreateReceiver(ProjectorSubscription.Topic, ProjectorSubscription.Name);
        // Events before it may be there as well, of a shard that was published late, and need not come together.
        for (var isLast = false; !isLast;)
        {
            var received = await receiver.ReceiveBatchAsync(100, Cancellation).AsTask().WaitAsync(Eventually.Deadline, Cancellation);
            isLast = received.Any(message => System.Text.Encoding.UTF8.GetString(message.Data.Span).Contains("On its way", StringComparison.Ordinal));
            await receiver.CompleteAsync(received, Cancellation);
        }
    }

    private Task RestoreAsync(string target) => RunAsync("pg_restore", target, "--no-owner", "--exit-on-error", $"--dbname={new NpgsqlConnectionStringBuilder(target).Database}", Archive);

    private static async Task<long> UnpublishedAsync(string database) => (long)(await PostgresFixture.ScalarAsync(
        database, "select count(*) from outbox o join outbox_shard s on s.shard = o.shard where o.position > s.acked", Cancellation))!;

    private static async Task<bool> IsGapFreeAsync(string database) => (bool)(await PostgresFixture.ScalarAsync(
        database, "select count(*) > 0 and bool_and(rows = last) from (select count(*) as rows, max(position) as last from outbox group by shard) as shards", Cancellation))!;

    /// <summary>One of PostgreSQL's own programs, from the server's version.</summary>
    private static async Task RunAsync(string program, string database, params string[] arguments)
    {
        var target = new NpgsqlConnectionStringBuilder(database);
        var start = new ProcessStartInfo(Find(program), arguments) { RedirectStandardError = true };
        (start.Environment["PGHOST"], start.Environment["PGPORT"], start.Environment["PGUSER"], start.Environment["PGPASSWORD"]) =
            (target.Host, target.Port.ToString(CultureInfo.InvariantCulture), target.Username, target.Password);
        start.Environment["PGDATABASE"] = target.Database;
        using var process = Process.Start(start)!;
        var errors = await process.StandardError.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        Assert.True(process.ExitCode == 0, $"{program}: {errors}");
    }

    /// <summary>Beside the server, beside what a link to the server leads to, or wherever the path finds it.</summary>
    private static string Find(string program)
    {
        var server = PostgresBinaries.Find()!.Postgres;
        string?[] folders = [Path.GetDirectoryName(server), Path.GetDirectoryName(File.ResolveLinkTarget(server, returnFinalTarget: true)?.FullName)];
        return folders.OfType<string>().Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists) ?? program;
    }
}

file static class Documents
{
    public static async Task<OrderDocument?> FindByIdAsync(this IMongoCollection<OrderDocument> orders, string id, CancellationToken cancellationToken) =>
        await orders.Find(order => order.Id == id).FirstOrDefaultAsync(cancellationToken);
}
