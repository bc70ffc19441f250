using System.Diagnostics;
using System.Globalization;

namespace Shop.Bench.Parts;

/// <summary>The memory of another process, in bytes.</summary>
internal static class ResidentMemory
{
    public static long Now(int processId) => FromStatus(processId, "VmRSS:") ?? Of(processId, process => process.WorkingSet64);

    /// <summary>The highest it has ever been, in bytes, since the process began.</summary>
    public static long Peak(int processId) => FromStatus(processId, "VmHWM:") ?? Of(processId, process => process.PeakWorkingSet64);

    private static long? FromStatus(int processId, string name)
    {
        var path = $"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/status";
        if (!File.Exists(path)) return null;
        var line = File.ReadLines(path).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line is null ? null : long.Parse(line.AsSpan(name.Length).Trim("kB \t"), CultureInfo.InvariantCulture) * 1024;
    }

    private static long Of(int processId, Func<Process, long> read)
    {
        using var process = Process.GetProcessById(processId);
        return read(process);
    }
}
