using System.Globalization;
using System.Runtime.InteropServices;
using Shop.Local.Postgres;

namespace Shop.Bench.Reporting;

/// <summary>Where and with what it was measured.</summary>
/// <param name="Cpu">The processor's name.</param>
/// <param name="Cores">Logical processors that this process may use.</param>
/// <param name="MemoryMb">What the machine has.</param>
/// <param name="System">Operating system.</param>
/// <param name="Runtime">.NET.</param>
/// <param name="PostgreSql">The server's major version.</param>
/// <param name="MeasuredAt">When the run began.</param>
internal sealed record Machine(string Cpu, int Cores, long MemoryMb, string System, string Runtime, string PostgreSql, DateTimeOffset MeasuredAt)
{
    public static Machine Read() => new(
        CpuName(), Environment.ProcessorCount, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024 * 1024), RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription, PostgresBinaries.Find()?.MajorVersion.ToString(CultureInfo.InvariantCulture) ?? "none",
        TimeProvider.System.GetUtcNow());

    private static string CpuName() =>
        File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown"
            : RuntimeInformation.ProcessArchitecture.ToString();
}
