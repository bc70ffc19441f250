using System.CommandLine;
using System.Diagnostics;
using Shop.Local.Postgres;
using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>Builds the fault harness and runs it: a program of its own, which uses the runner and not the other way round.</summary>
internal static class ChaosVerb
{
    private const string SelfCheck = "--self-check";

    /// <summary>What the services are built in: with the seeded bugs only for the check of the checker (docs/adr/0015-seeded-bugs.md).</summary>
    private const string Configuration = "Release", WithSeededBugs = "Chaos";

    /// <summary>For the verbs' list; the arguments are the program's own.</summary>
    public static Command Create() => new("chaos", "Run a shop under seeded faults and check its whole history; shop chaos --help tells more.");

    public static async Task<int> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        if (!arguments.Any(argument => argument is "--help" or "-h" or "-?")) await PostgresInstaller.EnsureAsync(yes: false, cancellationToken);
        var root = RepositoryRoot.Find();
        var configuration = arguments.Contains(SelfCheck) ? WithSeededBugs : Configuration;
        if (await DotnetAsync(root, ["build", "Shop.Chaos", "--configuration", configuration, "--nologo", "--verbosity", "quiet"], cancellationToken) != 0)
            throw new LocalRunException("Shop.Chaos does not build.");
        return await DotnetAsync(Directory.GetCurrentDirectory(), [ServicePrograms.Find("Shop.Chaos", configuration), .. arguments], cancellationToken);
    }

    /// <summary>Asked to stop, the program stops its shop and gives back its file systems: it is asked too, and waited for.</summary>
    private static async Task<int> DotnetAsync(string directory, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(ServicePrograms.Dotnet, arguments) { WorkingDirectory = directory })
            ?? throw new LocalRunException("dotnet cannot be started.");
        await using var stop = cancellationToken.Register(() =>
        {
            if (OperatingSystem.IsWindows()) process.Kill(entireProcessTree: true);
            else Posix.Send(process.Id, Signal.Terminate);
        });
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }
}
