using System.ComponentModel;
using System.Diagnostics;

namespace Shop.Local.Supervision;

/// <summary>Runs a program of the system to its end.</summary>
internal static class Tool
{
    /// <exception cref="LocalRunException">It cannot be started or fails; the message has its own words.</exception>
    public static async Task RunAsync(string fileName, IReadOnlyList<string> arguments, CancellationToken cancellationToken, bool showOutput = false)
    {
        var start = new ProcessStartInfo(fileName, arguments) { RedirectStandardError = !showOutput, RedirectStandardOutput = !showOutput };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new LocalRunException($"{fileName} cannot be started: {exception.Message}.", exception);
        }

        using (process)
        {
            var output = showOutput ? Task.FromResult("") : process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = showOutput ? "" : await process.StandardError.ReadToEndAsync(cancellationToken);
            await output;
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
                throw new LocalRunException($"{fileName} {string.Join(' ', arguments)} failed with exit code {process.ExitCode}. {error.Trim()}".TrimEnd());
        }
    }
}
