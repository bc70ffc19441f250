using Shop.Bench.Measuring;

namespace Shop.Bench;

/// <summary>One benchmark of the shop.</summary>
/// <param name="Name">As typed after <c>./shop bench</c>.</param>
/// <param name="Summary">What it measures, in one line.</param>
/// <param name="RunAsync">Starts what it needs, measures in interleaved repetitions, ends what it started, and returns the results.</param>
internal sealed record Benchmark(string Name, string Summary, Func<BenchRun, CancellationToken, Task<IReadOnlyList<Result>>> RunAsync);
