using System.Diagnostics;
using System.Text.Json;
using Shop.Bench.Parts;
using Shop.Contracts.Commands;

namespace Shop.Bench.Pipeline;

/// <summary>Orders at a fixed rate: each has its time, and one that could not go at its time goes as soon as a connection is free.</summary>
internal sealed class OrderStream : IDisposable
{
    public const int Connections = 64;
    public const decimal Price = 10.50m;
    private readonly List<HttpCaller> callers = [];
    private readonly string run = Guid.CreateVersion7().ToString("N")[20..];
    private readonly int customers;
    private readonly int products;
    private long next;

    private OrderStream(int customers, int products) => (this.customers, this.products) = (customers, products);

    public static async Task<OrderStream> ConnectAsync(string url, int customers, int products, CancellationToken cancellationToken)
    {
        var stream = new OrderStream(customers, products);
        for (var i = 0; i < Connections; i++) stream.callers.Add(await HttpCaller.ConnectAsync(url, cancellationToken));
        return stream;
    }

    /// <summary>Orders per second that were really placed.</summary>
    public async Task<double> RunAsync(double perSecond, TimeSpan duration, CancellationToken cancellationToken)
    {
        var slots = (long)(perSecond * duration.TotalSeconds);
        long slot = -1, placed = 0;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(callers.Select(caller => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref slot) is var mine && mine < slots)
            {
                var early = TimeSpan.FromSeconds(mine / perSecond) - Stopwatch.GetElapsedTime(began);
                if (early > TimeSpan.Zero) await Task.Delay(early, cancellationToken);
                // A rate that is not kept ends the run in time all the same.
                if (Stopwatch.GetElapsedTime(began) > 1.1 * duration) return;
                await caller.PostJsonAsync("/commands", Next(), cancellationToken);
                Interlocked.Increment(ref placed);
            }
        }, cancellationToken)));
        return placed / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    public void Dispose() => callers.ForEach(caller => caller.Dispose());

    private byte[] Next()
    {
        var first = Random.Shared.Next(products / 2);
        var order = new PlaceOrder(
            $"{run}-{Interlocked.Increment(ref next)}", $"CUST{Random.Shared.Next(customers)}",
            [new($"PROD{first}", Random.Shared.Next(1, 5), Price), new($"PROD{first + (products / 2)}", 1, Price)]);
        return JsonSerializer.SerializeToUtf8Bytes<Command>(order, CommandJson.Default.Command);
    }
}
