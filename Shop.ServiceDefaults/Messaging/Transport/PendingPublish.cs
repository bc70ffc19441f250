namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>The answers to one call of publish, filled in by the connection's thread, closed by whoever stops waiting.</summary>
internal sealed class PendingPublish(int count)
{
    private readonly Lock gate = new();
    private readonly PublishResult?[] results = new PublishResult?[count];
    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<int> refusedInBatches = [];
    private int open = count;
    private bool hasUnknown;

    /// <summary>Ends when every event has its answer.</summary>
    public Task Done => done.Task;

    /// <summary>Some event has to be sent again, so nothing after it may go first.</summary>
    public bool HasUnknown => Volatile.Read(ref hasUnknown);

    public void Set(int first, int length, PublishResult result)
    {
        lock (gate)
        {
            for (var index = first; index < first + length; index++)
            {
                if (results[index] is not null) continue;
                results[index] = result;
                open--;
            }

            if (result.Status == PublishStatus.Unknown) Volatile.Write(ref hasUnknown, true);
            if (open == 0) done.TrySetResult();
        }
    }

    /// <summary>A batch was refused as a whole; which of its events is at fault only sending them alone can tell.</summary>
    public void SetBatchRefused(int first, int length, PublishResult result)
    {
        lock (gate) refusedInBatches.AddRange(Enumerable.Range(first, length).Where(index => results[index] is null));
        Set(first, length, result);
    }

    /// <summary>Answers everything that has no answer yet; later answers of the broker change nothing.</summary>
    public void Close(string reason) => Set(0, results.Length, new(PublishStatus.Unknown, reason));

    /// <summary>Indexes of the events that are to be sent again alone, ascending.</summary>
    public int[] RefusedInBatches()
    {
        lock (gate) return [.. refusedInBatches.Order()];
    }

    public PublishResult[] ToResults()
    {
        lock (gate) return [.. results.Select(result => result!.Value)];
    }
}
