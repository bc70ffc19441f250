using System.Globalization;

namespace Shop.Local.Supervision;

/// <summary>Starts one part, watches it, and starts it again with growing pauses when it ends by itself.</summary>
internal sealed class SupervisedPart(PartPlan plan, TimeProvider time, Action<PartStatus> onChange) : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StartProbeInterval = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>A part that says Degraded for this long counts as started: a dead letter of yesterday must not keep a shop closed.</summary>
    private static readonly TimeSpan DegradedIsStarted = TimeSpan.FromSeconds(10);

    /// <summary>After this long without an end the pauses begin small again.</summary>
    private static readonly TimeSpan SteadyAfter = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim gate = new(1, 1);
    private ChildProcess? process;
    private CancellationTokenSource? watching;
    private Task watch = Task.CompletedTask;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PartStatus Status { get; private set; } = new(plan.Part, PartState.Stopped, plan.Address);

    /// <summary>Returns when it is up.</summary>
    /// <exception cref="LocalRunException">It ended or was not healthy in time; the message has the end of its log.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            if (!watch.IsCompleted) return;
            await LaunchAsync(cancellationToken);
            watching?.Dispose();
            watching = new CancellationTokenSource();
            watch = WatchAsync(watching.Token);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Ends it for good, until <see cref="StartAsync"/>.</summary>
    public async Task StopAsync(bool kill = false)
    {
        await gate.WaitAsync();
        try
        {
            if (watching is not null) await watching.CancelAsync();
            await watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (process is not null) await (kill ? process.KillAsync() : process.StopAsync(plan.StopGrace));
            Set(Status with { State = PartState.Stopped, ProcessId = null, ProcessStartedAt = null, Note = null });
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>SIGKILL; it comes back as after a crash.</summary>
    public async Task KillAsync()
    {
        if (process is not null) await process.KillAsync();
    }

    public async Task WaitUntilAsync(Predicate<PartStatus> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            var next = Volatile.Read(ref changed).Task;
            if (condition(Status)) return;
            await next.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        process?.Dispose();
        watching?.Dispose();
        gate.Dispose();
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        while (true)
        {
            var upSince = time.GetTimestamp();
            var code = await ObserveUntilExitAsync(cancellationToken);
            if (time.GetElapsedTime(upSince) > SteadyAfter) pause = FirstPause;
            await ComeBackAsync($"ended with exit code {code}", pause, cancellationToken);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Pauses and starts, once; a start that fails leaves an ended process behind, which the watch finds at once.</summary>
    private async Task ComeBackAsync(string reason, TimeSpan pause, CancellationToken cancellationToken)
    {
        var restarts = Status.Restarts + 1;
        var note = string.Create(CultureInfo.InvariantCulture, $"{reason}; start {restarts + 1} in {pause.TotalSeconds:0.#} s");
        Set(Status with { State = PartState.Restarting, Restarts = restarts, Note = note, ProcessId = null, ProcessStartedAt = null });
        await Task.Delay(pause, time, cancellationToken);
        try
        {
            await LaunchAsync(cancellationToken, reason + ", started again");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Not swallowed: shown, and tried again after a longer pause.
            Set(Status with { State = PartState.Restarting, Note = exception.Message.Split('\n')[0] });
            if (process is not null) await process.KillAsync();
        }
    }

    private async Task<int> ObserveUntilExitAsync(CancellationToken cancellationToken)
    {
        var running = process!;
        while (true)
        {
            if (plan.ProbeInterval is not { } interval) return await running.Exited.WaitAsync(cancellationToken);
            try
            {
                return await running.Exited.WaitAsync(interval, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                var found = await plan.ProbeAsync(running, cancellationToken);
                if (found.State == PartState.Starting) found = new(PartState.Unhealthy, "does not answer");
                if (found.State != Status.State) Set(Status with { State = found.State, Note = found.Note });
            }
        }
    }

    private async Task LaunchAsync(CancellationToken cancellationToken, string? note = null)
    {
        process?.Dispose();
        process = await ChildProcess.StartAsync(plan.Command);
        Set(Status with { State = PartState.Starting, ProcessId = process.Id, ProcessStartedAt = process.StartedAt, Note = null });
        var state = await WaitUntilUpAsync(process, cancellationToken);
        if (plan.AfterStartAsync is not null) await plan.AfterStartAsync(cancellationToken);
        Set(Status with { State = state.State, Note = state.Note ?? note });
    }

    private async Task<ProbeResult> WaitUntilUpAsync(ChildProcess started, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        ProbeResult found = new(PartState.Starting);
        while (started.IsRunning && time.GetElapsedTime(began) < StartDeadline)
        {
            found = await plan.ProbeAsync(started, cancellationToken);
            if (found.State == PartState.Healthy) return found;
            if (found.State == PartState.Degraded && time.GetElapsedTime(began) > DegradedIsStarted) return found;
            await Task.WhenAny(started.Exited, Task.Delay(StartProbeInterval, time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }

        var what = started.IsRunning
            ? $"was not healthy after {StartDeadline.TotalSeconds:0} s{(found.Note is null ? "" : $" ({found.Note})")}"
            : "ended while starting";
        throw new LocalRunException(PartNames.Of(plan.Part) + $" {what}; its log {plan.Command.LogFile} ends with:{Environment.NewLine}{started.LogTail}");
    }

    private void Set(PartStatus status)
    {
        Status = status;
        Interlocked.Exchange(ref changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        onChange(status);
    }
}
