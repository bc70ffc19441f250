using System.Diagnostics;
using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>A program of this solution, or the SDK, in the foreground: it shares the terminal.</summary>
internal static class DotnetProgram
{
    /// <summary>Returns its exit code.</summary>
    public static async Task<int> RunAsync(string directory, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(ServicePrograms.Dotnet, arguments) { WorkingDirectory = directory })
            ?? throw new LocalRunException("dotnet cannot be started.");
        try
        {
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
