using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Shop.Bench.Measuring;
using Shop.Contracts.Views;
using Shop.Local;
using Shop.Local.Administration;
using Shop.Local.Supervision;

namespace Shop.Bench.Rebuild;

/// <summary>
/// A rebuild of a shop whose orders are in PostgreSQL alone, as the command line asks for it: copied and summed into a new generation, compared
/// with the write side, flipped. Timed from when a projector takes it.
/// </summary>
internal static class RebuildBench
{
    private const int Orders = 100_000;
    private const int Customers = 5_000;
    private const int Products = 1_000;
    private static readonly TimeSpan poll = TimeSpan.FromMilliseconds(20);

    public static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        var count = run.Scale(Orders);
        await using var shop = await LocalShop.StartAsync(new LocalShopOptions { Ephemeral = true, PortBase = 0 }, cancellationToken);
        run.Say($"filling in {count} orders");
        await FillAsync(shop.WriteConnectionString, count, cancellationToken);
        using var projector = new ProjectorAdministration(shop.ProjectorAdminUrl, shop.AdminKey);

        var rebuild = new Subject("rebuild", new(
            "store: written to its log before the answer, no fsync", "pages of 500, two written at once", "PostgreSQL, broker, store and three services share the machine's cores"),
            token => MeasureAsync(projector, count, token));
        await rebuild.MeasureAsync(cancellationToken);
        var series = await run.InterleaveAsync([rebuild], cancellationToken);
        return
        [
            run.Result(series[rebuild, "copied"], target: Target.AtLeast(20_000)),
            run.Result(series[rebuild, "copied and summed"]),
            run.Result(series[rebuild, "until live, compared with the write side"]),
        ];
    }

    private static async Task<IReadOnlyList<Reading>> MeasureAsync(ProjectorAdministration projector, int orders, CancellationToken cancellationToken)
    {
        var status = await projector.RebuildAsync("", cancellationToken);
        while (status.Rebuild!.Owner == Guid.Empty) status = await NextAsync();
        var began = Stopwatch.GetTimestamp();
        var copied = await UntilAsync(phase => phase != RebuildPhase.Copying);
        var summed = await UntilAsync(phase => phase is not (RebuildPhase.Copying or RebuildPhase.Summing));
        var live = await UntilAsync(phase => !RebuildPhase.IsRunning(phase));
        if (status.Rebuild!.Phase != RebuildPhase.Live) throw new LocalRunException($"The rebuild ended as '{status.Rebuild.Phase}'.");
        await projector.RebuildAsync("/retire", cancellationToken);
        return [new("copied", copied, "orders/s"), new("copied and summed", summed, "orders/s"), new("until live, compared with the write side", live, "orders/s")];

        async Task<Contracts.Administration.RebuildStatus> NextAsync()
        {
            await Task.Delay(poll, cancellationToken);
            return await projector.RebuildStatusAsync(cancellationToken);
        }

        async Task<double> UntilAsync(Predicate<string> isThere)
        {
            while (!isThere(status.Rebuild!.Phase)) status = await NextAsync();
            return orders / Stopwatch.GetElapsedTime(began).TotalSeconds;
        }
    }

    private static async Task FillAsync(string connectionString, int orders, CancellationToken cancellationToken)
    {
        var fill = string.Create(CultureInfo.InvariantCulture, $"""
            insert into customers (customer_id, name, version, name_version, created_hash)
            select 'CUST' || n, 'Customer ' || n, 1, 1, decode(repeat('00', 32), 'hex') from generate_series(0, {Customers - 1}) n;
            insert into products (product_id, name, price, discontinued, version, name_version, created_hash)
            select 'PROD' || n, 'Product ' || n, 10.50, false, 1, 1, decode(repeat('00', 32), 'hex') from generate_series(0, {Products - 1}) n;
            insert into orders (order_id, customer_id, order_date, total_amount, status, version, created_hash)
            select 'ORD' || n, 'CUST' || n % {Customers}, timestamptz '2023-10-27' + n * interval '1 minute', 21.00, 'Pending', 1, decode(repeat('00', 32), 'hex') from generate_series(1, {orders}) n;
            insert into order_items (order_id, line_no, product_id, quantity, price)
            select 'ORD' || n, line, 'PROD' || (n * line) % {Products}, 1, 10.50 from generate_series(1, {orders}) n cross join generate_series(1, 2) line;
            analyze;
            """);
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(fill, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
