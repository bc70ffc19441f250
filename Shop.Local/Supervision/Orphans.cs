using System.ComponentModel;
using System.Diagnostics;

namespace Shop.Local.Supervision;

/// <summary>Ends what a killed runner left behind. On Linux the kernel has told the parts to end already, and this only waits for them.</summary>
internal static class Orphans
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan SameStart = TimeSpan.FromSeconds(3);

    public static async Task EndAsync(ShopState? left, CancellationToken cancellationToken)
    {
        if (left is null) return;
        // Services before what they use, as in any stop.
        foreach (var part in left.Parts.OrderByDescending(part => part.Part))
        {
            using var process = Find(part);
            if (process is null) continue;
            if (!OperatingSystem.IsWindows()) Posix.Send(process.Id, part.Part == Part.Postgres ? Signal.Interrupt : Signal.Terminate);
            var began = TimeProvider.System.GetTimestamp();
            while (!HasEnded(process) && TimeProvider.System.GetElapsedTime(began) < Grace) await Task.Delay(Step, cancellationToken);
            if (!HasEnded(process)) process.Kill();
        }
    }

    /// <summary>Also when nobody collects its exit code, as in a container without an init process: it is no child of ours.</summary>
    private static bool HasEnded(Process process) => process.HasExited || (OperatingSystem.IsLinux() && ProcessTree.HasEnded(process.Id));

    /// <summary>The process itself and not a later one that got its id.</summary>
    private static Process? Find(PartStatus part)
    {
        if (part is not { ProcessId: { } id, ProcessStartedAt: { } startedAt }) return null;
        try
        {
            var process = Process.GetProcessById(id);
            if ((process.StartTime - startedAt).Duration() < SameStart && !HasEnded(process)) return process;
            process.Dispose();
            return null;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // It has ended.
            return null;
        }
    }
}
