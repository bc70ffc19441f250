using Shop.Bench.Bus;
using Shop.Bench.Pipeline;
using Shop.Bench.Read;
using Shop.Bench.Rebuild;
using Shop.Bench.Relay;
using Shop.Bench.Start;
using Shop.Bench.Store;
using Shop.Bench.Write;

namespace Shop.Bench;

/// <summary>Every benchmark there is, in the order in which <c>all</c> runs them: a folder and a line each.</summary>
internal static class Benchmarks
{
    public const string All = "all";

    public static IReadOnlyList<Benchmark> List { get; } =
    [
        new("bus", "The bus client with the local broker, and with RabbitMQ where wanted (--with-rabbitmq).", BusBenchmark.RunAsync),
        new("write", "orders per second into PostgreSQL, in process and over HTTP", WriteBench.RunAsync),
        new("relay", "events from the outbox to the bus, and how soon after their commit", RelayBench.RunAsync),
        new("read", "the read side: projecting, answering, large customers", ReadBench.RunAsync),
        new("pipeline", "from commit to visible through the whole shop", PipelineBench.RunAsync),
        new("rebuild", "filling, checking and flipping a new generation of the read model", RebuildBench.RunAsync),
        StartBenchmark.Definition,
        StoreBenchmark.Definition,
        new("dashboard", "Painting the page of a customer with 100,000 orders, beside that of one with 10.", Dashboard.DashboardBenchmark.RunAsync),
    ];

    /// <summary>The benchmarks that <paramref name="which"/> names; empty when there is no such one.</summary>
    public static IReadOnlyList<Benchmark> Named(string which) => which == All ? List : [.. List.Where(benchmark => benchmark.Name == which)];
}
