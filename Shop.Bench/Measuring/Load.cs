using System.Diagnostics;

namespace Shop.Bench.Measuring;

/// <summary>Closed-loop load: so many callers, each of which starts the next operation when its last one is answered.</summary>
internal static class Load
{
    /// <summary>Returns operations per second; each caller gets its number, from 0.</summary>
    public static async Task<double> RunAsync(int callers, TimeSpan duration, Func<int, Task> operateAsync, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var done = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var count = 0L;
            while (Stopwatch.GetElapsedTime(started) < duration)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await operateAsync(caller);
                count++;
            }

            return count;
        }, cancellationToken)));
        return done.Sum() / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
