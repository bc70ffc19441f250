using Shop.Chaos.Schedule;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Chaos.Faults;

/// <summary>Publishes messages that no projector can ever apply, and remembers which.</summary>
internal sealed class PoisonPen(string connectionString, TimeProvider time) : IAsyncDisposable
{
    private const string Topic = "shop-events";
    private readonly BusClient bus = new(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(connectionString) });
    private readonly List<Guid> published = [];
    private EventPublisher? publisher;

    /// <summary>What has to be among the dead letters in the end, and nothing else.</summary>
    public IReadOnlyCollection<Guid> Published => published;

    public async Task<string?> PublishAsync(Fault fault, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7();
        lock (published) published.Add(id);
        var (type, data) = fault.Detail switch
        {
            "no json" => ("shop.order.placed.v1", "{ this is no json"u8.ToArray()),
            "unknown type" => ("shop.weather.changed.v1", "{}"u8.ToArray()),
            _ => ("shop.customer.renamed.v1", """{"customerId":"nobody","name":"Nobody"}"""u8.ToArray()),
        };
        publisher ??= bus.CreatePublisher(Topic);
        var poison = new CloudEvent(id, "/shop/chaos", type, $"poison/{id}", time.GetUtcNow(), null, $"poison/{id}", data);
        // Until it is certain to be there; a second copy is harmless.
        for (var attempt = 1; ; attempt++)
        {
            var results = await publisher.PublishAsync([poison], cancellationToken);
            if (results[0].Status == PublishStatus.Accepted) return $"event {id}, accepted at attempt {attempt}";
        }
    }

    public async ValueTask DisposeAsync() => await bus.DisposeAsync();
}
