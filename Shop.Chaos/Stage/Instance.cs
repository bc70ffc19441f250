using Shop.Local;
using Shop.Local.Supervision;

namespace Shop.Chaos.Stage;

/// <summary>
/// One process of the shop under test. It is started again whenever it ends, with a pause that grows while it does not stay up, and never
/// touched otherwise: what a cluster does for a process, and nothing that a person would have to do.
/// </summary>
/// <param name="name">Which part it is.</param>
/// <param name="command">Starts it; the number says how often that was done.</param>
/// <param name="isUpAsync">Whether it can do its work.</param>
/// <param name="wasOrdered">Whether the process of that identifier has ended at a crash point.</param>
/// <param name="time">The clock.</param>
internal sealed class Instance(
    string name, Func<int, ChildCommand> command, Func<CancellationToken, Task<bool>> isUpAsync, Predicate<int> wasOrdered, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan firstPause = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan steady = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan stopGrace = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan step = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private readonly List<int> frozen = [];
    private volatile ChildProcess? process;
    private Task loop = Task.CompletedTask;
    private volatile bool mayEnd;
    private int? marked;

    public string Name => name;

    /// <summary>How often it was started.</summary>
    public int Starts { get; private set; }

    /// <summary>How often it ended without being killed or stopped by the harness, and what it said last.</summary>
    public List<string> EndedByItself { get; } = [];

    /// <summary>Its disk is full: it may end as often as it likes, and whoever runs when there is room again may end of it later.</summary>
    public bool MayEnd
    {
        get => mayEnd;
        set
        {
            if (mayEnd && !value) marked = process?.Id;
            mayEnd = value;
        }
    }

    private volatile bool isEndExpected;

    public void Start() => loop = Task.Run(RunAsync);

    public Task<bool> IsUpAsync(CancellationToken cancellationToken) => process is { IsRunning: true } ? isUpAsync(cancellationToken) : Task.FromResult(false);

    /// <exception cref="LocalRunException">It is not up in time.</exception>
    public async Task WaitUntilUpAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); !await IsUpAsync(cancellationToken);)
        {
            if (time.GetElapsedTime(began) > patience) throw new LocalRunException($"{name} was not up after {patience.TotalSeconds:0} s: {process?.LogTail}");
            await Task.Delay(step, time, cancellationToken);
        }
    }

    /// <summary>False when it was not running.</summary>
    public bool Kill()
    {
        if (process is not { IsRunning: true } running) return false;
        isEndExpected = true;
        Signals.Kill(running.Id);
        return true;
    }

    /// <summary>Kills one of its children only: a backend of PostgreSQL, which takes all the others with it.</summary>
    public bool KillChild(int which)
    {
        if (process is not { IsRunning: true } running || ProcessTree.Of(running.Id) is not { Count: > 1 } tree) return false;
        // PostgreSQL gives up when it loses the child that is recovering.
        isEndExpected = true;
        Signals.Kill(tree[1 + (which % (tree.Count - 1))]);
        return true;
    }

    /// <summary>False when it was not running.</summary>
    public async Task<bool> RestartAsync()
    {
        isEndExpected = true;
        if (process is not { IsRunning: true } running) return false;
        await running.StopAsync(stopGrace);
        return true;
    }

    /// <summary>False when it was not running.</summary>
    public bool Freeze()
    {
        lock (gate)
        {
            if (process is not { IsRunning: true } running) return false;
            // Children forked while we look are caught by a second look.
            for (var look = 0; look < 2; look++)
            {
                foreach (var id in ProcessTree.Of(running.Id).Except(frozen).ToList())
                {
                    Signals.Freeze(id);
                    frozen.Add(id);
                }
            }

            return true;
        }
    }

    public void Thaw()
    {
        lock (gate)
        {
            foreach (var id in frozen) Signals.Thaw(id);
            frozen.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        Thaw();
        if (process is { IsRunning: true } running) await running.StopAsync(stopGrace);
        await loop;
        process?.Dispose();
        stopping.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = firstPause;
        try
        {
            while (!stopping.IsCancellationRequested)
            {
                isEndExpected = false;
                var began = time.GetTimestamp();
                var started = await ChildProcess.StartAsync(command(++Starts));
                var before = process;
                process = started;
                before?.Dispose();
                var code = await started.Exited;
                if (!stopping.IsCancellationRequested && !isEndExpected && !mayEnd && marked != started.Id && !wasOrdered(started.Id)) EndedByItself.Add($"exit code {code}: {started.LogTail}");
                pause = time.GetElapsedTime(began) > steady ? firstPause : pause * 2 < longestPause ? pause * 2 : longestPause;
                await Task.Delay(pause, time, stopping.Token);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return;
        }
    }
}
