namespace Shop.ServiceDefaults.Messaging;

public sealed class EventPublisher : IAsyncDisposable
{
    internal EventPublisher() { }
    public BusState State => throw new NotImplementedException();
    public ValueTask<PublishResult[]> PublishAsync(IReadOnlyList<CloudEvent> events, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
