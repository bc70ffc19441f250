using Shop.Chaos.History;
using Shop.Chaos.Schedule;
using Shop.Chaos.Stage;

namespace Shop.Chaos.Faults;

/// <summary>Does what the schedule says, when it says so, and records what was done.</summary>
internal sealed class FaultInjector(ChaosShop shop, Journal journal, BrokerBehaviour behaviour, Clocks clocks, RebuildUnderFire rebuild, PoisonPen poison, IReadOnlyList<SmallDisk> disks, TimeProvider time)
{
    private static readonly TimeSpan restartPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan look = TimeSpan.FromMilliseconds(50);
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
                return shop.Part(fault.Target).KillChild(fault.Number) ? null : "no backend was there";
            case FaultKind.Kill:
                shop.Part(fault.Target).Kill();
                return null;
            case FaultKind.Crash:
                return await CrashAsync(fault, cancellationToken);
            case FaultKind.Stop:
                shop.Part(fault.Target).Freeze();
                await DelayAsync(fault, cancellationToken);
                shop.Part(fault.Target).Thaw();
                return null;
            case FaultKind.Restart when fault.Target == "all":
                foreach (var part in Topology.Parts) await RestartAsync(part, cancellationToken);
                return null;
            case FaultKind.Restart:
                await RestartAsync(fault.Target, cancellationToken);
                return null;
            case FaultKind.Net:
                var latency = TimeSpan.FromMilliseconds(50 + (fault.Number * 37 % 300));
                shop.Proxy(fault.Target).Begin(fault.Detail, latency);
                await DelayAsync(fault, cancellationToken);
                shop.Proxy(fault.Target).End();
                return null;
            case FaultKind.Disk:
                return await FillAsync(fault, cancellationToken);
            case FaultKind.Duplicate or FaultKind.Delay or FaultKind.Reorder or FaultKind.Withhold:
                behaviour.Begin(fault);
                await DelayAsync(fault, cancellationToken);
                behaviour.End();
                return null;
            case FaultKind.Clock:
                return Skip(await clocks.ShiftAsync(fault.Target, fault.Detail, () => DelayAsync(fault, cancellationToken)));
            case FaultKind.Rebuild:
                return await rebuild.RunAsync(fault, cancellationToken);
            case FaultKind.Poison:
                return await poison.PublishAsync(fault, cancellationToken);
            default:
                throw new NotSupportedException($"{fault.Kind} cannot be injected.");
        }
    }

    private Task DelayAsync(Fault fault, CancellationToken cancellationToken) => Task.Delay(fault.For, time, cancellationToken);

    private string? Skip(string? why)
    {
        if (why is null) return null;
        lock (skipped) skipped.Add(why);
        return "skipped: " + why;
    }

    private async Task<string?> CrashAsync(Fault fault, CancellationToken cancellationToken)
    {
        var part = shop.Part(fault.Target);
        var order = Path.Combine(shop.ArmoryOf(fault.Target), fault.Detail);
        part.ExpectEnd();
        await File.WriteAllTextAsync(order, "", cancellationToken);
        for (var began = time.GetTimestamp(); File.Exists(order); await Task.Delay(look, time, cancellationToken))
        {
            if (time.GetElapsedTime(began) <= fault.For) continue;
            File.Delete(order);
            return "the point was not reached";
        }

        return null;
    }

    private async Task RestartAsync(string part, CancellationToken cancellationToken)
    {
        await shop.Part(part).RestartAsync();
        for (var began = time.GetTimestamp(); time.GetElapsedTime(began) < restartPatience; await Task.Delay(look, time, cancellationToken))
            if (await shop.Part(part).IsUpAsync(cancellationToken)) return;
    }

    private async Task<string?> FillAsync(Fault fault, CancellationToken cancellationToken)
    {
        if (disks.FirstOrDefault(disk => disk.Part == fault.Target) is not { } small) return Skip("no small file system could be mounted");
        shop.Part(fault.Target).ExpectEnd();
        await small.FillAsync(cancellationToken);
        await DelayAsync(fault, cancellationToken);
        small.Free();
        return null;
    }
}
