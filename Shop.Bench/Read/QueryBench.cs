using System.Globalization;
using Npgsql;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Commands;
using Shop.Commands.Snapshot;
using Shop.Local.Postgres;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;

namespace Shop.Bench.Read;

/// <summary><c>GET /orders/{id}</c> beside an endpoint that does nothing and one that joins the normalised tables; the same orders, the same load.</summary>
internal static class QueryBench
{
    private const int Orders = 20_000;
    /// <summary>24 s each, as long as the write bench: before that a quarter of the service's processor time is still the compiler's.</summary>
    private const int WarmUps = 6;

    private const long Megabyte = 1024 * 1024;
    private static readonly string[] parts = ["load", "service", "store"];

    private static readonly string fill = string.Create(CultureInfo.InvariantCulture, $"""
        insert into customers (customer_id, name, version, name_version, created_hash)
        select 'CUST' || n, 'Customer ' || n, 1, 1, decode(repeat('00', 32), 'hex') from generate_series(0, 999) n;
        insert into products (product_id, name, price, discontinued, version, name_version, created_hash)
        select 'PROD' || n, 'Product ' || n, 10.50, false, 1, 1, decode(repeat('00', 32), 'hex') from generate_series(0, 999) n;
        insert into orders (order_id, customer_id, order_date, total_amount, status, version, created_hash)
        select 'ORD' || n, 'CUST' || n % 1000, '2023-10-27', 21.00, 'Pending', 1, decode(repeat('00', 32), 'hex') from generate_series(1, {Orders}) n;
        insert into order_items (order_id, line_no, product_id, quantity, price)
        select 'ORD' || n, line, 'PROD' || (n * line) % 1000, 1, 10.50 from generate_series(1, {Orders}) n cross join generate_series(1, 2) line;
        analyze;
        """);

    public static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        await using var postgres = await LocalPostgres.StartAsync(new(), cancellationToken);
        await CommandsApp.MigrateAsync([$"--ConnectionStrings:shopdb={postgres.ConnectionString}", "--Logging:LogLevel:Default=Error"]);
        await using var store = await RunningPart.StoreAsync(cancellationToken);
        await FillAsync(postgres.ConnectionString, store.Address, cancellationToken);
        await using var queries = await RunningPart.ServiceAsync("Shop.Queries", new Dictionary<string, string> { ["ConnectionStrings__readdb"] = store.Address }, cancellationToken);
        await using var references = await RunningPart.ServiceAsync(
            "Shop.Bench", new Dictionary<string, string> { ["ConnectionStrings__shopdb"] = postgres.ConnectionString }, cancellationToken, ReferenceQueries.Verb);
        using var toQueries = await HttpReaders.ConnectAsync(queries.Address, cancellationToken);
        using var toReferences = await HttpReaders.ConnectAsync(references.Address, cancellationToken);

        var batching = $"{HttpReaders.Connections} connections, one request at a time each";
        ProcessorTimes OfService(RunningPart service) => new((parts[0], Environment.ProcessId), (parts[1], service.ProcessId), (parts[2], store.ProcessId));
        var order = Of("GET /orders/{id}", toQueries, OfService(queries), "/orders/ORD", "one document; requests that come together share a command");
        var nothing = Of("endpoint that does nothing", toReferences, OfService(references), "/nothing/ORD", "none");
        var join = Of("join of normalised tables", toReferences, OfService(references), "/orders/ORD", "one prepared statement per request, a pool of as many connections");
        var series = await run.InterleaveAsync([order, nothing, join], cancellationToken, WarmUps);
        const string rate = "requests", p99 = "p99";
        var memory = new Series("Shop.Queries", "peak memory under full load", "MB", order.Conditions, [ResidentMemory.Peak(queries.ProcessId) / Megabyte]);
        return
        [
            run.Result(series[order, rate], series[nothing, rate], Target.AtLeastTimes(0.6)),
            run.Result(series[order, rate], series[join, rate], Target.AtLeastTimes(2)),
            run.Result(series[order, p99], series[join, p99]),
            run.Result(series[nothing, p99]),
            .. parts.Select(whose => run.Result(series[order, ProcessorTimes.Of(whose)], series[nothing, ProcessorTimes.Of(whose)])),
            run.Result(memory, target: Target.AtMost(300)),
        ];

        Subject Of(string name, HttpReaders readers, ProcessorTimes times, string path, string how) => new(
            name, new("reads only", $"{batching}; {how}", "load, service and database share the machine's cores"), async token =>
            {
                var before = times.Read();
                var (perSecond, latencies) = await readers.RunAsync(run.Duration, () => $"{path}{Random.Shared.Next(1, Orders + 1)}", token);
                return [new(rate, perSecond, "requests/s"), new(p99, latencies.At(0.99).TotalMilliseconds, "ms"), .. times.Since(before, latencies.Count)];
            });
    }

    /// <summary>The tables by statements, the documents as a projector makes them of the tables' states.</summary>
    private static async Task FillAsync(string writeSide, string readSide, CancellationToken cancellationToken)
    {
        await using var dataSource = NpgsqlDataSource.Create(writeSide);
        await using (var command = dataSource.CreateCommand(fill)) await command.ExecuteNonQueryAsync(cancellationToken);
        var models = new ReadModels(new MongoDB.Driver.MongoClient(readSide).GetDatabase("shop"));
        var projection = new OrderProjection(models, TimeProvider.System);
        for (var after = ""; ;)
        {
            var page = await SnapshotReader.OrdersAsync(dataSource, new(after, ProjectionRig.Batch, Ids: null), cancellationToken);
            if (page.Count == 0) return;
            after = page[^1].OrderId;
            await foreach (var _ in projection.ApplyAsync(new ProjectionBatch([.. page.Select(SampleOrders.Incoming)]), cancellationToken)) { }
        }
    }
}
