using System.Diagnostics;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;

namespace Shop.Bench.Read;

/// <summary>Closed-loop reading: so many connections, each of which asks again as soon as it was answered.</summary>
internal sealed class HttpReaders(IReadOnlyList<HttpCaller> callers) : IDisposable
{
    public const int Connections = 32;

    public static async Task<HttpReaders> ConnectAsync(string url, CancellationToken cancellationToken, int connections = Connections)
    {
        List<HttpCaller> callers = [];
        for (var i = 0; i < connections; i++) callers.Add(await HttpCaller.ConnectAsync(url, cancellationToken));
        return new(callers);
    }

    /// <summary>Requests per second and their latencies.</summary>
    public async Task<(double PerSecond, LatencyHistogram Latencies)> RunAsync(TimeSpan duration, Func<string> nextPath, CancellationToken cancellationToken)
    {
        var latencies = new LatencyHistogram();
        var perSecond = await Load.RunAsync(callers.Count, duration, async caller =>
        {
            var asked = Stopwatch.GetTimestamp();
            await callers[caller].GetAsync(nextPath(), cancellationToken);
            latencies.Record(Stopwatch.GetElapsedTime(asked));
        }, cancellationToken);
        return (perSecond, latencies);
    }

    public void Dispose()
    {
        foreach (var caller in callers) caller.Dispose();
    }
}
