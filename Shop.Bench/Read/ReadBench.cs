using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Projector.Hosting;

namespace Shop.Bench.Read;

/// <summary>The read side: projecting, answering, and what a very large customer costs.</summary>
internal static class ReadBench
{
    internal const string StoreDurability = "store: written to its log before the answer, no fsync";
    internal const string SharedCores = "everything shares the machine's cores";

    public static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken) =>
    [
        .. run.Includes("projector") ? await ProjectionAsync(run, cancellationToken) : [],
        .. run.Includes("queries") ? await QueryBench.RunAsync(run, cancellationToken) : [],
        .. run.Includes("large-customer") ? await LargeCustomerBench.RunAsync(run, cancellationToken) : [],
    ];

    private static async Task<IReadOnlyList<Result>> ProjectionAsync(BenchRun run, CancellationToken cancellationToken)
    {
        await using var rig = await ProjectionRig.StartAsync(cancellationToken);
        var count = run.Scale(30_000);
        var loop = new Subject("bulkWrite loop",
            new(StoreDurability, $"{ProjectionRig.Batch} per command, one command at a time", "loop and store share the machine's cores"),
            token => rig.WriteAsync(count, token));
        var projector = new Subject("projector",
            new(StoreDurability, $"up to {ProjectionWorker.MaxBatch} events per batch, {ProjectionWorker.Workers + ProjectionWorker.Helpers} batches at work, full subscription", "broker, projector and store share the machine's cores"),
            token => rig.ProjectAsync(count, token));
        // Compiled before anything is measured: a repetition takes but two seconds.
        const int warmUps = 6;
        var series = await run.InterleaveAsync([projector, loop], cancellationToken, warmUps);
        return
        [
            run.Result(series[projector, "broker to store"], target: Target.AtLeast(10_000)),
            run.Result(series[projector, "broker to store"], series[loop, "documents"], Target.AtLeastTimes(0.7)),
            .. ProjectionRig.Parts.Select(part => run.Result(series[projector, ProcessorTimes.Of(part)], series[loop, ProcessorTimes.Of(part)])),
        ];
    }
}
