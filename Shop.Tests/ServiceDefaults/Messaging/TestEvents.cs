using System.Globalization;
using System.Text;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

/// <summary>Events that carry their number, and waiting for a condition with a deadline.</summary>
internal static class TestEvents
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static CloudEvent Create(int number, int padding = 0, string? traceParent = null) => new(
        Guid.CreateVersion7(), "/shop/commands", "shop.order.placed.v1", $"order/{number}", new(2023, 10, 27, 10, 0, 0, TimeSpan.Zero), traceParent,
        $"order/{number}", Encoding.UTF8.GetBytes($$"""{"number":{{number}},"padding":"{{new string('x', padding)}}"}"""));

    public static CloudEvent[] Range(int first, int count) => [.. Enumerable.Range(first, count).Select(number => Create(number))];

    public static int Number(ReceivedEvent received) => int.Parse(received.Subject.AsSpan("order/".Length), CultureInfo.InvariantCulture);

    public static BusClientOptions Options(string connectionString) => new()
    {
        ConnectionString = ServiceBusConnectionString.Parse(connectionString),
        ThrottleDelay = TimeSpan.FromMilliseconds(300),
    };

    public static async Task<List<ReceivedEvent>> ReceiveAsync(EventReceiver receiver, int count, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        List<ReceivedEvent> all = [];
        while (all.Count < count) all.AddRange(await receiver.ReceiveBatchAsync(count - all.Count, deadline.Token));
        return all;
    }

    /// <summary>Publishes as a relay does: until every event is accepted, from the first that was not.</summary>
    public static async Task PublishAllAsync(EventPublisher publisher, IReadOnlyList<CloudEvent> events, CancellationToken cancellationToken)
    {
        var accepted = 0;
        while (accepted < events.Count)
        {
            var results = await publisher.PublishAsync([.. events.Skip(accepted).Take(100)], cancellationToken);
            accepted += results.TakeWhile(result => result.Status == PublishStatus.Accepted).Count();
        }
    }

    public static async Task UntilAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        while (!condition()) await Task.Delay(TimeSpan.FromMilliseconds(10), deadline.Token);
    }
}
