using Shop.Chaos.History;
using Shop.Chaos.Schedule;
using Shop.Chaos.Stage;

namespace Shop.Chaos.Faults;

/// <summary>Does what the schedule says, when it says so, and records what was done.</summary>
internal sealed class FaultInjector(ChaosShop shop, Journal journal, BrokerBehaviour behaviour, Clocks clocks, RebuildUnderFire rebuild, PoisonPen poison, IReadOnlyList<SmallDisk> disks, TimeProvider time)
{
    private static readonly TimeSpan restartPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan look = TimeSpan.FromMilliseconds(50);
    private static readonly string notRunning = InjectedFault.Nothing("it was not running");
    private readonly List<string> skipped = [];

    /// <summary>Faults that could not be injected here, each reason once.</summary>
    public IReadOnlyList<string> Skipped => [.. skipped.Distinct()];

    /// <summary>Returns when the last one is over and everything is let go.</summary>
    public async Task RunAsync(IReadOnlyList<Fault> schedule, Action<Fault> tell, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        List<Task> running = [];
        foreach (var fault in schedule)
        {
            var wait = fault.At - time.GetElapsedTime(began);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, time, cancellationToken);
            tell(fault);
            running.Add(InjectAsync(fault, cancellationToken));
        }

        await Task.WhenAll(running);
    }

    private async Task InjectAsync(Fault fault, CancellationToken cancellationToken)
    {
        var start = journal.Now;
        var note = await DoAsync(fault, cancellationToken);
        journal.Add(new InjectedFault(0, fault.Number, fault.Kind.ToString(), fault.Target, fault.Detail, start, journal.Now, note));
    }

    private async Task<string?> DoAsync(Fault fault, CancellationToken cancellationToken)
    {
        switch (fault.Kind)
        {
            case FaultKind.Kill when fault.Detail == "backend":
                return shop.Part(fault.Target).KillChild(fault.Number) ? null : InjectedFault.Nothing("no backend was there");
            case FaultKind.Kill:
                return shop.Part(fault.Target).Kill() ? null : notRunning;
            case FaultKind.Crash:
                return await CrashAsync(fault, cancellationToken);
            case FaultKind.Stop:
                return await FreezeAsync(fault, cancellationToken);
            case FaultKind.Restart when fault.Target == "all":
                foreach (var part in Topology.Parts) await RestartAsync(part, cancellationToken);
                return null;
            case FaultKind.Restart:
                return await RestartAsync(fault.Target, cancellationToken) ? null : notRunning;
            case FaultKind.Net:
                var latency = TimeSpan.FromMilliseconds(50 + (fault.Number * 37 % 300));
                shop.Proxy(fault.Target).Begin(fault.Detail, latency);
                await DelayAsync(fault, cancellationToken);
                return shop.Proxy(fault.Target).End() is > 0 and var suffered ? $"{suffered} packets or connections" : InjectedFault.Nothing("nobody said anything");
            case FaultKind.Disk:
                return await FillAsync(fault, cancellationToken);
            case FaultKind.Duplicate or FaultKind.Delay or FaultKind.Reorder or FaultKind.Withhold:
                behaviour.Begin(fault);
                await DelayAsync(fault, cancellationToken);
                behaviour.End();
                return null;
            case FaultKind.Clock:
                return await MoveClockAsync(fault, cancellationToken);
            case FaultKind.Rebuild:
                return await rebuild.RunAsync(fault, cancellationToken);
            case FaultKind.Poison:
                return await poison.PublishAsync(fault, cancellationToken);
            default:
                throw new NotSupportedException($"{fault.Kind} cannot be injected.");
        }
    }

    private async Task<string?> FreezeAsync(Fault fault, CancellationToken cancellationToken)
    {
        var part = shop.Part(fault.Target);
        if (!part.Freeze()) return notRunning;
        await DelayAsync(fault, cancellationToken);
        if (fault.Detail == StopEnds.Killed) part.Kill();
        part.Thaw();
        return null;
    }

    private async Task<string?> MoveClockAsync(Fault fault, CancellationToken cancellationToken)
    {
        var seen = "";
        var why = await clocks.ShiftAsync(fault.Target, fault.Detail, async () =>
        {
            for (var began = time.GetTimestamp(); time.GetElapsedTime(began) < fault.For; await Task.Delay(look, time, cancellationToken))
            {
                if (seen.Length == 0 && await shop.ClockErrorAsync(fault.Target, cancellationToken) is { } error && Clocks.IsMoved(error, fault.Detail))
                    seen = FormattableString.Invariant($"seen to be {error.TotalSeconds:0} s off");
            }
        });
        return Skip(why) ?? (seen.Length > 0 ? seen : InjectedFault.Nothing("its clock was not seen to move"));
    }

    private Task DelayAsync(Fault fault, CancellationToken cancellationToken) => Task.Delay(fault.For, time, cancellationToken);

    private string? Skip(string? why)
    {
        if (why is null) return null;
        lock (skipped) skipped.Add(why);
        return InjectedFault.Skipped(why);
    }

    private async Task<string?> CrashAsync(Fault fault, CancellationToken cancellationToken)
    {
        var order = Path.Combine(shop.ArmoryOf(fault.Target), fault.Detail);
        await File.WriteAllTextAsync(order, "", cancellationToken);
        // The other one may be the leader, or the only one of the two that is up.
        foreach (var other in CrashPoints.ReachedBy(fault.Detail).Except([fault.Target]).Select(shop.ArmoryOf))
        {
            if (await IsTakenAsync(order, fault.For / 2, cancellationToken)) return null;
            var moved = Path.Combine(other, fault.Detail);
            // Whoever moves it first has it.
            if (!TryMove(order, moved)) return null;
            order = moved;
        }

        if (await IsTakenAsync(order, fault.For / 2, cancellationToken)) return fault.Target == Path.GetFileName(Path.GetDirectoryName(order)) ? null : "by the other instance";
        File.Delete(order);
        return InjectedFault.Nothing("the point was not reached");
    }

    private async Task<bool> IsTakenAsync(string order, TimeSpan within, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); time.GetElapsedTime(began) <= within; await Task.Delay(look, time, cancellationToken))
            if (!File.Exists(order)) return true;
        return false;
    }

    private static bool TryMove(string order, string to)
    {
        try
        {
            File.Move(order, to, overwrite: true);
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    private async Task<bool> RestartAsync(string part, CancellationToken cancellationToken)
    {
        if (!await shop.Part(part).RestartAsync()) return false;
        await WaitUntilUpAsync(part, cancellationToken);
        return true;
    }

    /// <summary>Or until that took too long; whether it comes back at all is seen in the end.</summary>
    private async Task WaitUntilUpAsync(string part, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); time.GetElapsedTime(began) < restartPatience; await Task.Delay(look, time, cancellationToken))
            if (await shop.Part(part).IsUpAsync(cancellationToken)) return;
    }

    private async Task<string?> FillAsync(Fault fault, CancellationToken cancellationToken)
    {
        if (disks.FirstOrDefault(disk => disk.Part == fault.Target) is not { } small) return Skip("no small file system could be mounted");
        var part = shop.Part(fault.Target);
        part.MayEnd = true;
        await small.FillAsync(cancellationToken);
        await DelayAsync(fault, cancellationToken);
        small.Free();
        // What it has begun while there was no room may still end it.
        await WaitUntilUpAsync(fault.Target, cancellationToken);
        part.MayEnd = false;
        return null;
    }
}
