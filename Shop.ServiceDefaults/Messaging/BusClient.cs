using Microsoft.Extensions.Logging;

namespace Shop.ServiceDefaults.Messaging;

public sealed class BusClient(BusClientOptions options, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null) : IAsyncDisposable
{
    public BusClientOptions Options => options;
    public IReadOnlyList<BusState> States => throw new NotImplementedException();
    public EventPublisher CreatePublisher(string topic) => throw new NotImplementedException($"{topic}{loggerFactory}");
    public EventReceiver CreateReceiver(string topic, string subscription, EventReceiverOptions? receiverOptions = null) => throw new NotImplementedException($"{timeProvider}");
    public Task ProbeAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
