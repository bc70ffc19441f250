using System.Text.Json;
using Shop.Bench;
using Shop.Bench.Measuring;
using Shop.Bench.Reporting;

namespace Shop.Tests.Bench;

public sealed class BenchRunTests
{
    private static readonly Conditions conditions = new("fsync on", "one commit per order", "2, shared");

    [Fact]
    public async Task Subject_and_reference_are_measured_in_turn_and_compared_by_their_medians()
    {
        var order = new List<string>();
        var run = new BenchRun("write", isQuick: false);
        var store = Subject.Of("store", "throughput", "orders/s", conditions, _ => Next("store", 300));
        var reference = Subject.Of("pgbench", "throughput", "orders/s", conditions, _ => Next("pgbench", 100));

        var series = await run.InterleaveAsync([store, reference], TestContext.Current.CancellationToken);
        var result = run.Result(series[store], series[reference], Target.AtLeastTimes(3));

        Assert.Equal(Enumerable.Repeat((string[])["store", "pgbench"], 1 + BenchRun.Repetitions).SelectMany(pair => pair), order);
        Assert.Equal(3, result.Ratio!.Value, 6);
        Assert.True(result.IsMet);

        Task<double> Next(string name, double value)
        {
            order.Add(name);
            return Task.FromResult(value);
        }
    }

    [Fact]
    public void A_results_file_has_machine_versions_and_every_field_of_every_result()
    {
        var measured = new Series("store", "throughput", "orders/s", conditions, [290, 300, 310, 305, 295]);
        var reference = new Series("pgbench", "throughput", "orders/s", conditions, [100, 100, 101, 99, 100]);
        var run = new BenchRun("write", isQuick: true);

        var file = JsonDocument.Parse(ResultFile.Serialize(Machine.Read(), quick: true,
            [run.Result(measured, reference, Target.AtLeastTimes(3.5)), run.Result(measured)])).RootElement;

        Assert.Contains("quick", file.GetProperty("warning").GetString(), StringComparison.Ordinal);
        Assert.True(file.GetProperty("machine").GetProperty("cores").GetInt32() > 0);
        Assert.NotEmpty(file.GetProperty("machine").GetProperty("postgreSql").GetString()!);
        var first = file.GetProperty("results")[0];
        Assert.Equal("write", first.GetProperty("bench").GetString());
        Assert.Equal("store: throughput", first.GetProperty("measure").GetString());
        Assert.Equal(300, first.GetProperty("value").GetDouble());
        Assert.Equal("orders/s", first.GetProperty("unit").GetString());
        Assert.Equal(20 / 300.0, first.GetProperty("spread").GetDouble(), 6);
        Assert.Equal(5, first.GetProperty("repetitions").GetInt32());
        Assert.Equal("pgbench: throughput", first.GetProperty("reference").GetString());
        Assert.Equal(3, first.GetProperty("ratio").GetDouble(), 6);
        Assert.Equal("at least 3.5 x", first.GetProperty("target").GetString());
        Assert.False(first.GetProperty("met").GetBoolean());
        Assert.Equal(JsonValueKind.Null, file.GetProperty("results")[1].GetProperty("met").ValueKind);
    }

    [Fact]
    public async Task An_unknown_benchmark_is_an_error_of_the_command_line() =>
        Assert.Equal(2, await BenchCommandLine.RunAsync(["nothing-of-that-name"], TestContext.Current.CancellationToken));
}
