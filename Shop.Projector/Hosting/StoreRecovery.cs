namespace Shop.Projector.Hosting;

/// <summary>
/// What several workers do when the store is away: each pauses the receiver, and all wait for one recovery, which resumes it. However these
/// interleave, every pause is followed by a resume.
/// </summary>
/// <param name="untilStoreIsBackAsync">Ends when the store takes a write.</param>
/// <param name="resumeAsync">Lets messages come again.</param>
internal sealed class StoreRecovery(Func<CancellationToken, Task> untilStoreIsBackAsync, Func<ValueTask> resumeAsync)
{
    private readonly Lock gate = new();
    private Task underWay = Task.CompletedTask;

    /// <summary>Waits for the store together with whoever waits already; for those who have paused the receiver before.</summary>
    public Task WaitAsync(CancellationToken stoppingToken)
    {
        lock (gate) return underWay.IsCompleted ? underWay = RecoverAsync(stoppingToken) : underWay;
    }

    private async Task RecoverAsync(CancellationToken stoppingToken)
    {
        await untilStoreIsBackAsync(stoppingToken);
        // Nobody may join any more: what is paused from here on might not be resumed by this recovery, and needs one of its own.
        lock (gate) underWay = Task.CompletedTask;
        await resumeAsync();
    }
}
