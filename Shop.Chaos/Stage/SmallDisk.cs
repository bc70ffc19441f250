using System.Diagnostics;
using Shop.Chaos.Schedule;

namespace Shop.Chaos.Stage;

/// <summary>A data directory on a file system of its own (tmpfs), small enough to be filled. Linux, where mounting is permitted.</summary>
internal sealed class SmallDisk(string part) : IAsyncDisposable
{
    /// <summary>PostgreSQL's files are about 40 MB when they are new, and its log wants some segments more.</summary>
    private static readonly Dictionary<string, int> megabytes = new() { [Topology.Postgres] = 512, [Topology.Broker] = 256, [Topology.Store] = 256 };

    private string? mountedAt;

    public string Part => part;

    private string Ballast => Path.Combine(mountedAt!, "ballast");

    /// <summary>Null when file systems can be mounted here; else why not.</summary>
    public static async Task<string?> WhyNotAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux()) return "full disks need tmpfs, which is Linux's";
        var place = Directory.CreateTempSubdirectory("shop-chaos-disk-").FullName;
        try
        {
            return await RunAsync("mount -t tmpfs -o size=1m tmpfs \"$0\" && umount \"$0\"", place, cancellationToken) is { Length: > 0 } why ? $"tmpfs cannot be mounted here: {why}" : null;
        }
        finally
        {
            Directory.Delete(place);
        }
    }

    public async Task MountAsync(string directory, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        // What is there already (PostgreSQL's new cluster) moves in, with its owners and modes.
        var script = FormattableString.Invariant($"set -e; cp -a \"$0\" \"$0.moving\"; mount -t tmpfs -o size={megabytes[part]}m tmpfs \"$0\"; cp -a \"$0.moving/.\" \"$0/\"; chown --reference=\"$0.moving\" \"$0\"; chmod --reference=\"$0.moving\" \"$0\"; rm -rf \"$0.moving\"");
        if (await RunAsync(script, directory, cancellationToken) is { Length: > 0 } why) throw new Shop.Local.LocalRunException($"The disk of {part} cannot be mounted: {why}");
        mountedAt = directory;
    }

    /// <summary>Not a byte is left, for anybody.</summary>
    public async Task FillAsync(CancellationToken cancellationToken)
    {
        var block = new byte[64 * 1024];
        await using var ballast = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        for (var size = block.Length; size > 0;)
        {
            try
            {
                await ballast.WriteAsync(block.AsMemory(0, size), cancellationToken);
            }
            catch (IOException)
            {
                // Full for a block of this size; what is left is taken in smaller ones.
                size /= 2;
            }
        }
    }

    public void Free() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        if (mountedAt is null) return;
        // Lazily: a process that is still ending may hold a file.
        if (await RunAsync("umount -l \"$0\"", mountedAt, CancellationToken.None) is { Length: > 0 } why) await Console.Error.WriteLineAsync($"{mountedAt} is still mounted: {why}");
        mountedAt = null;
    }

    private static async Task<string> RunAsync(string script, string argument, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", script, argument]) { RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? "" : error.Trim() is { Length: > 0 } said ? said : $"exit code {process.ExitCode}";
    }
}
