using System.Text.Json;
using Shop.Chaos.Checks;
using Shop.Chaos.History;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Chaos.Stage;

/// <summary>The harness's own subscription: everything that was ever published, how often, and in which order.</summary>
internal sealed class Audit : IAsyncDisposable
{
    private const int MaxBatch = 500;
    private readonly BusClient bus;
    private readonly Lock gate = new();
    private readonly List<Delivery> deliveries = [];
    private readonly CancellationTokenSource stopping = new();
    private readonly Task receiving;

    public Audit(string connectionString, Journal journal, TimeProvider time)
    {
        bus = new BusClient(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(connectionString) });
        var began = time.GetUtcNow() - TimeSpan.FromSeconds(journal.Now);
        receiving = Task.Run(() => ReceiveAsync(began, () => journal.Now, stopping.Token));
    }

    public List<Delivery> Deliveries
    {
        get
        {
            lock (gate) return [.. deliveries];
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await receiving;
        await bus.DisposeAsync();
        stopping.Dispose();
    }

    private async Task ReceiveAsync(DateTimeOffset began, Func<double> now, CancellationToken cancellationToken)
    {
        await using var receiver = bus.CreateReceiver("shop-events", "audit", new EventReceiverOptions { Prefetch = 2 * MaxBatch });
        try
        {
            while (true)
            {
                var batch = await receiver.ReceiveBatchAsync(MaxBatch, cancellationToken);
                var arrived = now();
                lock (gate) deliveries.AddRange(batch.Where(received => received.Source != "/shop/chaos").Select(received => ToDelivery(received, began, arrived)));
                await receiver.CompleteAsync(batch, CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
    }

    private static Delivery ToDelivery(ReceivedEvent received, DateTimeOffset began, double arrived)
    {
        using var state = JsonDocument.Parse(received.Data);
        return new(received.Id, received.Subject, state.RootElement.GetProperty("version").GetInt32(), received.SequenceNumber ?? 0,
            ((received.EnqueuedTime ?? began) - began).TotalSeconds, arrived);
    }
}
