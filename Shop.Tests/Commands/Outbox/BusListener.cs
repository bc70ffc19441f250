using System.Collections.Concurrent;
using System.Text.Json;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.Commands.Outbox;

/// <summary>Receives and completes everything that arrives on the projector's subscription, in order of arrival.</summary>
internal sealed class BusListener : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Subject, int Version, Guid Id)> arrived = new();
    private readonly BusClient client;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task running;

    public BusListener(string messaging)
    {
        client = new BusClient(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(messaging) });
        running = Task.Run(ListenAsync);
    }

    /// <summary>What has arrived so far.</summary>
    public IReadOnlyList<(string Subject, int Version, Guid Id)> Arrived => [.. arrived];

    /// <summary>Different events among them.</summary>
    public int Distinct => arrived.Select(seen => seen.Id).Distinct().Count();

    /// <summary>Waits until so many different events have arrived.</summary>
    public Task UntilAsync(int events, CancellationToken cancellationToken) => Eventually.TrueAsync(
        () => Task.FromResult(Distinct >= events), $"{events} events on the bus, there are {Distinct}", cancellationToken, TimeSpan.FromSeconds(60));

    /// <summary>Fails when a version arrived for the first time after a later one of the same aggregate.</summary>
    public void AssertFirstDeliveriesInOrder()
    {
        var latest = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (subject, version, _) in arrived)
        {
            var last = latest.GetValueOrDefault(subject);
            Assert.True(version <= last + 1, $"{subject} arrived at version {version} after {last}.");
            latest[subject] = Math.Max(last, version);
        }
    }

    private async Task ListenAsync()
    {
        await using var receiver = client.CreateReceiver("shop-events", "projector");
        try
        {
            while (true)
            {
                var batch = await receiver.ReceiveBatchAsync(500, stopping.Token);
                foreach (var received in batch)
                {
                    Assert.Null(received.FormatError);
                    using var body = JsonDocument.Parse(received.Data);
                    arrived.Enqueue((received.Subject, body.RootElement.GetProperty("version").GetInt32(), received.Id));
                }

                await receiver.CompleteAsync(batch, stopping.Token);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await running;
        await client.DisposeAsync();
        stopping.Dispose();
    }
}
