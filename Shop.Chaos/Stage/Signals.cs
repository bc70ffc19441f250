using System.Runtime.InteropServices;

namespace Shop.Chaos.Stage;

/// <summary>Signals to processes; Linux.</summary>
internal static class Signals
{
    private const int Kill9 = 9, Continue = 18, Stop = 19;

    public static void Kill(int processId) => _ = Send(processId, Kill9);

    public static void Freeze(int processId) => _ = Send(processId, Stop);

    public static void Thaw(int processId) => _ = Send(processId, Continue);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Send(int processId, int signal);
}
