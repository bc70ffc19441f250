using Shop.Bench.Measuring;
using Shop.Bench.Parts;

namespace Shop.Bench.Bus;

/// <summary>What the broker's memory does while messages pile up: it should not care whether it is a hundred thousand or a million.</summary>
internal static class QueuedMemory
{
    private const int Few = 100_000;
    private const int Many = 1_000_000;
    private const double Flat = 1.5;
    private const double Megabyte = 1024 * 1024;

    /// <summary>Measured once: a million messages on disk are not queued in a moment.</summary>
    public static async Task<IReadOnlyList<Result>> MeasureAsync(BenchRun run, CancellationToken cancellationToken)
    {
        await using var broker = await RunningPart.BrokerAsync(cancellationToken);
        var (few, many) = (run.Scale(Few), run.Scale(Many));
        await using (var first = new BusLoad(broker.Address, few)) await first.PublishAsync(cancellationToken);
        var before = ResidentMemory.Now(broker.ProcessId) / Megabyte;
        await using (var rest = new BusLoad(broker.Address, many - few)) await rest.PublishAsync(cancellationToken);
        var after = ResidentMemory.Now(broker.ProcessId) / Megabyte;
        run.Say($"local broker: {before:0} MB with {few:#,0} messages queued, {after:0} MB with {many:#,0}");
        var conditions = new Conditions("written to a log, no fsync", "1 KB, nobody receives", "one process, resident memory");
        return
        [
            run.Result(
                new Series("local broker", $"memory with {many:#,0} queued", "MB", conditions, [after]),
                new Series("local broker", $"memory with {few:#,0} queued", "MB", conditions, [before]), Target.AtMostTimes(Flat)),
        ];
    }
}
