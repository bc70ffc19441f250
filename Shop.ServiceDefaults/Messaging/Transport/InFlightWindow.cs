namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>Bounds what was sent and is not answered yet; whoever waits goes on in the order of waiting.</summary>
internal sealed class InFlightWindow(int capacity)
{
    private readonly Lock gate = new();
    private readonly Queue<(int Weight, TaskCompletionSource<bool> Turn)> waiting = [];
    private int inFlight;
    private bool closed;

    /// <summary>Waits until the window is open and takes <paramref name="weight"/>, which may overshoot the capacity once; false when it was closed.</summary>
    public async ValueTask<bool> EnterAsync(int weight, CancellationToken cancellationToken)
    {
        TaskCompletionSource<bool> turn;
        lock (gate)
        {
            if (closed) return false;
            if (waiting.Count == 0 && inFlight < capacity)
            {
                inFlight += weight;
                return true;
            }

            waiting.Enqueue((weight, turn = new(TaskCreationOptions.RunContinuationsAsynchronously)));
        }

        await using var registration = cancellationToken.Register(() => turn.TrySetCanceled(cancellationToken));
        return await turn.Task;
    }

    public void Leave(int weight)
    {
        lock (gate)
        {
            inFlight -= weight;
            while (inFlight < capacity && waiting.TryDequeue(out var next))
            {
                // A cancelled one takes nothing.
                if (next.Turn.TrySetResult(true)) inFlight += next.Weight;
            }
        }
    }

    public void Close()
    {
        lock (gate)
        {
            closed = true;
            while (waiting.TryDequeue(out var next)) next.Turn.TrySetResult(false);
        }
    }
}
