using Shop.Chaos.History;
using Shop.Chaos.Schedule;
using Shop.Chaos.Stage;
using Shop.Contracts.Administration;
using Shop.Contracts.Views;
using Shop.Local;
using Shop.Local.Administration;

namespace Shop.Chaos.Faults;

/// <summary>
/// Fills a new generation, lets it become live and retires the old one, while everything else goes on; with a crash point armed in both
/// projectors. A rebuild that ends "different" under fire is retired: the promise is that the old generation stays.
/// </summary>
internal sealed class RebuildUnderFire(ChaosShop shop, TimeProvider time)
{
    private static readonly TimeSpan step = TimeSpan.FromMilliseconds(300);

    public async Task<string?> RunAsync(Fault fault, CancellationToken cancellationToken)
    {
        Arm(fault.Detail);
        var began = time.GetTimestamp();
        var status = await UntilAsync("", _ => true, began, fault.For, cancellationToken);
        status = await UntilAsync(null, now => now.Rebuild is { } rebuild && !RebuildPhase.IsRunning(rebuild.Phase), began, fault.For, cancellationToken) ?? status;
        var phase = status?.Rebuild?.Phase ?? InjectedFault.Nothing("never begun");
        var retired = await UntilAsync("/retire", _ => true, time.GetTimestamp(), TimeSpan.FromSeconds(10), cancellationToken);
        var crashed = Disarm(fault.Detail);
        return $"{phase}, {(retired is null ? "not retired" : "retired")}{(fault.Detail.Length == 0 ? "" : crashed ? $", killed {fault.Detail}" : $", {fault.Detail} not reached")}";
    }

    /// <summary>After the faults: what is under way comes to its end.</summary>
    public Task<RebuildStatus?> SettleAsync(TimeSpan patience, CancellationToken cancellationToken) =>
        UntilAsync(null, now => now.Rebuild is null || !RebuildPhase.IsRunning(now.Rebuild.Phase), time.GetTimestamp(), patience, cancellationToken);

    private async Task<RebuildStatus?> UntilAsync(string? request, Predicate<RebuildStatus> done, long began, TimeSpan patience, CancellationToken cancellationToken)
    {
        for (var turn = 0; time.GetElapsedTime(began) < patience; turn++)
        {
            using var administration = new ProjectorAdministration(shop.AdministrationOf(Topology.Projectors[turn % Topology.Projectors.Length]), shop.AdminKey);
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            timeout.CancelAfter(TimeSpan.FromSeconds(8));
            try
            {
                var status = request is null ? await administration.RebuildStatusAsync(timeout.Token) : await administration.RebuildAsync(request, timeout.Token);
                if (done(status)) return status;
            }
            catch (Exception exception) when (exception is HttpRequestException or LocalRunException or IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // A projector that is down, or its store: the other one is asked next.
            }

            await Task.Delay(step, time, cancellationToken);
        }

        return null;
    }

    private void Arm(string point)
    {
        if (point.Length == 0) return;
        foreach (var projector in Topology.Projectors) File.WriteAllText(Path.Combine(shop.ArmoryOf(projector), point), "");
    }

    private bool Disarm(string point)
    {
        if (point.Length == 0) return false;
        var crashed = false;
        foreach (var order in Topology.Projectors.Select(projector => Path.Combine(shop.ArmoryOf(projector), point)))
        {
            crashed |= !File.Exists(order);
            File.Delete(order);
        }

        return crashed;
    }
}
