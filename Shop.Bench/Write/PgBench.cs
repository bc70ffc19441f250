using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using Shop.Local;
using Shop.Local.Postgres;

namespace Shop.Bench.Write;

/// <summary>
/// PostgreSQL's own load generator: one commit per order (order, two lines, one event), prepared statements, 32 clients. Plain: one round trip
/// per statement. Pipelined: one per order.
/// </summary>
internal sealed partial class PgBench(string connectionString, bool pipelined)
{
    public const int Clients = 32;
    private static int round;

    private string Script => $"""
        \set n :n + 1
        \set id 2000000000000000 + :client_id * 1000000000000 + :n
        \set customer random({Catalogue.FirstCustomer}, {Catalogue.FirstCustomer + Catalogue.Customers - 1})
        \set first random({Catalogue.FirstProduct}, {Catalogue.FirstProduct + (Catalogue.Products / 2) - 1})
        \set second random({Catalogue.FirstProduct + (Catalogue.Products / 2)}, {Catalogue.FirstProduct + Catalogue.Products - 1})
        {(pipelined ? @"\startpipeline" : "")}
        begin;
        insert into orders (order_id, customer_id, order_date, total_amount, status, version, created_hash) values (:id, :customer, now(), 21.00, 'Pending', 1, '\x{Hash}');
        insert into order_items (order_id, line_no, product_id, quantity, price) values (:id, 1, :first, 1, 10.50), (:id, 2, :second, 1, 10.50);
        insert into reference_outbox (event_id, type, subject, version, occurred_at, data) values (gen_random_uuid(), 'shop.order.placed.v1', :id, 1, now(), '\x{EventHex}');
        commit;
        {(pipelined ? @"\endpipeline" : "")}
        """;

    private static string Hash => new('0', 64);

    private static string EventHex => Convert.ToHexString(OneCommitPerOrder.Event(Catalogue.NextOrder()));

    public async Task<double> RunAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var script = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(script, Script, cancellationToken);
            var seconds = Math.Max(1, (int)Math.Round(duration.TotalSeconds));
            // Every round of either kind has numbers of its own: they share the tables.
            var first = Interlocked.Increment(ref round) * 1_000_000_000L;
            var output = await RunAsync(
                ["-n", "-M", "prepared", "-c", $"{Clients}", "-j", $"{Math.Min(Environment.ProcessorCount, Clients)}", "-T", $"{seconds}", "-D", $"n={first}", "-f", script], cancellationToken);
            var rate = Rate().Match(output);
            if (!rate.Success || Failed().Match(output) is { Success: true, Groups: [_, { Value: not "0" }] }) throw new LocalRunException($"pgbench failed:{Environment.NewLine}{output}");
            return double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture);
        }
        finally
        {
            File.Delete(script);
        }
    }

    private async Task<string> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var server = new NpgsqlConnectionStringBuilder(connectionString);
        var start = new ProcessStartInfo(Find(), [.. arguments, "-h", server.Host!, "-p", server.Port.ToString(CultureInfo.InvariantCulture), "-U", server.Username!, server.Database!])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["PGPASSWORD"] = server.Password! },
        };
        using var process = Process.Start(start) ?? throw new LocalRunException("pgbench cannot be started.");
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? output : throw new LocalRunException($"pgbench failed:{Environment.NewLine}{await error}");
    }

    // Beside the server's real files, else on the path: some systems link the server alone into a common directory.
    private static string Find()
    {
        var name = OperatingSystem.IsWindows() ? "pgbench.exe" : "pgbench";
        var server = PostgresBinaries.Find()!.Postgres;
        var real = File.ResolveLinkTarget(server, returnFinalTarget: true)?.FullName ?? server;
        var beside = Path.Combine(Path.GetDirectoryName(real)!, name);
        return File.Exists(beside) ? beside : name;
    }

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"number of failed transactions: ([0-9]+)")]
    private static partial Regex Failed();
}
