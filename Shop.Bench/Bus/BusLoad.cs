using System.Diagnostics;
using Shop.Bench.Measuring;
using Shop.Local;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Bench.Bus;

/// <summary>Publishes events through the shop's client as its relay does, and takes them again as its projector does.</summary>
internal sealed class BusLoad : IAsyncDisposable
{
    public const string Published = "publish";
    public const string Consumed = "receive and settle";
    private const int Callers = 4;
    private const int EventsPerCall = 250;
    private const int Prefetch = 1000;
    private const int BodyBytes = 1024;
    private const string Unit = "messages/s";
    private readonly byte[] body = new byte[BodyBytes];
    private readonly BusClient client;
    private readonly int count;

    /// <param name="connectionString">The broker.</param>
    /// <param name="count">Messages in one repetition; rounded up to what the callers send at a time.</param>
    public BusLoad(string connectionString, int count)
    {
        this.count = (count + EventsPerCall - 1) / EventsPerCall * EventsPerCall;
        client = new(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(connectionString), DisableTracing = true });
        Random.Shared.NextBytes(body);
    }

    public async Task<IReadOnlyList<Reading>> MeasureAsync(CancellationToken cancellationToken) =>
    [
        new(Published, count / (await PublishAsync(cancellationToken)).TotalSeconds, Unit),
        new(Consumed, count / (await ConsumeAsync(cancellationToken)).TotalSeconds, Unit),
    ];

    public async Task<TimeSpan> PublishAsync(CancellationToken cancellationToken)
    {
        await using var publisher = client.CreatePublisher("shop-events");
        // Attached before the clock runs.
        await publisher.PublishAsync([], cancellationToken);
        while (publisher.State.Connection != BusConnection.Connected) await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
        var started = Stopwatch.GetTimestamp();
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Add(ref next, EventsPerCall) - EventsPerCall is var first && first < count)
            {
                var results = await publisher.PublishAsync([.. Enumerable.Range(first, EventsPerCall).Select(Event)], cancellationToken);
                foreach (var result in results)
                {
                    if (result.Status != PublishStatus.Accepted) throw new LocalRunException($"The broker did not accept a message: {result.Reason}");
                }
            }
        }, cancellationToken)));
        return Stopwatch.GetElapsedTime(started);
    }

    public async ValueTask DisposeAsync() => await client.DisposeAsync();

    private async Task<TimeSpan> ConsumeAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        await using var receiver = client.CreateReceiver("shop-events", "projector", new() { Prefetch = Prefetch });
        for (var consumed = 0; consumed < count;)
        {
            var batch = await receiver.ReceiveBatchAsync(EventsPerCall, cancellationToken);
            foreach (var received in batch)
            {
                if (received.FormatError is { } error || received.Data.Length != BodyBytes) throw new LocalRunException("A message came back changed.");
            }

            await receiver.CompleteAsync(batch, cancellationToken);
            consumed += batch.Count;
        }

        return Stopwatch.GetElapsedTime(started);
    }

    private CloudEvent Event(int number) => new(
        Guid.CreateVersion7(), "/shop/commands", "shop.order.placed.v1", $"order/{number}", TimeProvider.System.GetUtcNow(),
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", $"order/{number}", body);
}
