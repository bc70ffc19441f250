namespace Shop.ServiceDefaults.Messaging;

public sealed class EventReceiver : IAsyncDisposable
{
    internal EventReceiver() { }
    public BusState State => throw new NotImplementedException();
    public ValueTask<IReadOnlyList<ReceivedEvent>> ReceiveBatchAsync(int max, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask PauseAsync() => throw new NotImplementedException();
    public ValueTask ResumeAsync() => throw new NotImplementedException();
    public ValueTask CompleteAsync(IReadOnlyList<ReceivedEvent> events, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask AbandonAsync(IReadOnlyList<ReceivedEvent> events, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask ReleaseAsync(IReadOnlyList<ReceivedEvent> events, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask DeadLetterAsync(ReceivedEvent received, string reason, string description, CancellationToken cancellationToken) => throw new NotImplementedException();
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
