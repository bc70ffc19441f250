using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Contracts.Commands;
using Shop.Local.Supervision;

namespace Shop.Bench.Pipeline;

/// <summary>
/// A whole shop under orders that come at a fixed rate, whether it keeps up or not. Commit to visible is what the projector says
/// (<c>/lag</c>: from the clock reading just before the commit until the document is written; at most 19 % too high).
/// </summary>
internal static class PipelineBench
{
    private const int Customers = 2_000;
    private const int Products = 500;
    private const long Megabyte = 1024 * 1024;
    private const string P50 = "commit to visible p50", P99 = "commit to visible p99";

    public static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        await using var shop = await LocalShop.StartAsync(new LocalShopOptions { Ephemeral = true, PortBase = 0 }, cancellationToken);
        await FillAsync(shop, cancellationToken);
        using var orders = await OrderStream.ConnectAsync(shop.CommandsUrl, Customers, Products, cancellationToken);
        using var projector = new HttpClient { BaseAddress = new Uri(shop.ProjectorUrl) };
        // As long as the write bench: until then .NET compiles on the cores that are measured.
        await orders.RunAsync(1_000, run.Scale(TimeSpan.FromSeconds(24)), cancellationToken);

        (string Whose, int ProcessId)[] processes = [("load", Environment.ProcessId), .. shop.Statuses.Select(status => (PartNames.Of(status.Part), status.ProcessId!.Value))];
        var times = new ProcessorTimes(processes);
        Subject at500 = AtRate(500), at2000 = AtRate(2_000);
        var series = await run.InterleaveAsync([at500, at2000], cancellationToken);
        var sustained = await SustainedAsync(run, orders, projector, cancellationToken);
        return
        [
            run.Result(series[at500, P50], target: Target.AtMost(10)),
            run.Result(series[at500, P99], target: Target.AtMost(50)),
            run.Result(series[at500, "placed"]),
            run.Result(series[at2000, P50]),
            run.Result(series[at2000, P99], target: Target.AtMost(150)),
            run.Result(series[at2000, "placed"]),
            run.Result(new("whole shop", "highest rate at which lag does not grow", "orders/s", Conditions("steps of a quarter"), [sustained])),
            .. processes.SelectMany(process => ((Subject[])[at500, at2000]).Select(subject => run.Result(series[subject, ProcessorTimes.Of(process.Whose)]))),
            run.Result(Memory(Part.Projector), target: Target.AtMost(300)),
            run.Result(Memory(Part.Queries), target: Target.AtMost(300)),
        ];

        Subject AtRate(int rate) => new($"{rate} orders/s", Conditions("open loop"), async token =>
        {
            var seconds = Math.Max(2, (int)(1.5 * run.Duration.TotalSeconds));
            var placed = await times.AroundAsync("placed", "orders/s", () => orders.RunAsync(rate, TimeSpan.FromSeconds(seconds), token));
            var lag = await LagAsync(projector, seconds - 1, token);
            return [new(P50, lag.P50 * 1_000, "ms"), new(P99, lag.P99 * 1_000, "ms"), .. placed];
        });

        Series Memory(Part part) => new(PartNames.Of(part), "peak memory under full load", "MB", Conditions("highest since its start"),
            [ResidentMemory.Peak(shop.Statuses.Single(status => status.Part == part).ProcessId!.Value) / Megabyte]);
    }

    private static Conditions Conditions(string how) => new(
        "PostgreSQL: fsync on, synchronous_commit on; broker and store: written to their logs before the answer, no fsync",
        $"one order per request, {OrderStream.Connections} connections, {how}", "load, PostgreSQL, broker, store and three services share the machine's cores");

    /// <summary>Raises the rate until orders are not taken at it any more or the lag of its end is beyond that of its middle.</summary>
    private static async Task<double> SustainedAsync(BenchRun run, OrderStream orders, HttpClient projector, CancellationToken cancellationToken)
    {
        const double step = 1.25, kept = 0.95, tolerated = 1.5;
        var half = TimeSpan.FromSeconds(Math.Max(2, run.Duration.TotalSeconds));
        var sustained = 0.0;
        for (var rate = 1_000.0; ; rate *= step)
        {
            await orders.RunAsync(rate, half, cancellationToken);
            var middle = await LagAsync(projector, 2, cancellationToken);
            var placed = await orders.RunAsync(rate, half, cancellationToken);
            var end = await LagAsync(projector, 2, cancellationToken);
            run.Say(FormattableString.Invariant($"{rate:0} orders/s wanted: {placed:0} placed, p50 {middle.P50 * 1000:0} ms, then {end.P50 * 1000:0} ms"));
            if (placed < kept * rate || end.P50 > (tolerated * middle.P50) + 0.02 || end.P50 > 1) return sustained;
            sustained = placed;
        }
    }

    private static async Task<(double P50, double P99)> LagAsync(HttpClient projector, int seconds, CancellationToken cancellationToken)
    {
        var lag = await projector.GetFromJsonAsync<JsonElement>($"/lag?seconds={seconds}", cancellationToken);
        // Nothing became visible at all: as far behind as it can be.
        return lag.TryGetProperty("p50", out var p50) ? (p50.GetDouble(), lag.GetProperty("p99").GetDouble()) : (seconds, seconds);
    }

    private static async Task FillAsync(LocalShop shop, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = new Uri(shop.CommandsUrl) };
        Command[] commands =
        [
            .. Enumerable.Range(0, Customers).Select(number => new RegisterCustomer($"CUST{number}", $"Customer {number}")),
            .. Enumerable.Range(0, Products).Select(number => new AddProduct($"PROD{number}", $"Product {number}", OrderStream.Price)),
        ];
        foreach (var part in commands.Chunk(500))
        {
            using var lines = new StringContent(
                string.Join('\n', part.Select(command => JsonSerializer.Serialize(command, CommandJson.Default.Command))), Encoding.UTF8, "application/x-ndjson");
            using var answer = await http.PostAsync("/commands/batch", lines, cancellationToken);
            answer.EnsureSuccessStatusCode();
            await answer.Content.ReadAsStringAsync(cancellationToken);
        }
    }
}
