using Shop.Projector.Hosting;

namespace Shop.Tests.Projector;

public sealed class StoreRecoveryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_pauses_while_the_receiver_is_being_resumed_is_resumed_too()
    {
        var (isPaused, resumed, back) = (true, 0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        StoreRecovery? recovery = null;
        Task? another = null;
        recovery = new StoreRecovery(token => back.Task.WaitAsync(token), () =>
        {
            isPaused = false;
            if (resumed++ > 0) return default;
            // Another worker's batch fails at this moment.
            isPaused = true;
            another = recovery!.WaitAsync(Cancellation);
            return default;
        });
        var first = recovery.WaitAsync(Cancellation);
        back.SetResult();
        await first.WaitAsync(Eventually.Deadline, Cancellation);
        await another!.WaitAsync(Eventually.Deadline, Cancellation);
        Assert.False(isPaused);
    }

    [Fact]
    public async Task Those_who_wait_for_the_store_wait_together()
    {
        var (asked, resumed, back) = (0, 0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var recovery = new StoreRecovery(
            token =>
            {
                asked++;
                return back.Task.WaitAsync(token);
            },
            () =>
            {
                resumed++;
                return default;
            });
        Task[] waiting = [recovery.WaitAsync(Cancellation), recovery.WaitAsync(Cancellation), recovery.WaitAsync(Cancellation)];
        back.SetResult();
        await Task.WhenAll(waiting).WaitAsync(Eventually.Deadline, Cancellation);
        Assert.Equal((1, 1), (asked, resumed));
    }
}
