using System.Diagnostics;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

/// <summary>The broker as a process of its own, for tests that kill it.</summary>
internal sealed class BrokerProcess : IAsyncDisposable
{
    private readonly Process process;

    private BrokerProcess(Process process, int port) => (this.process, Port) = (process, port);

    public int Port { get; }

    public static async Task<BrokerProcess> StartAsync(CancellationToken cancellationToken, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[typeof(BrokerServer).Assembly.Location, "servicebus", .. args]) start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            const string Mark = "sb://127.0.0.1:";
            var at = line.IndexOf(Mark, StringComparison.Ordinal);
            if (at >= 0) return new BrokerProcess(process, int.Parse(line[(at + Mark.Length)..].Split(';')[0], null));
        }

        throw new InvalidOperationException(await process.StandardError.ReadToEndAsync(cancellationToken));
    }

    /// <summary>Runs a broker that is expected not to start.</summary>
    public static async Task<(int ExitCode, string Error)> FailAsync(CancellationToken cancellationToken, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[typeof(BrokerServer).Assembly.Location, "servicebus", .. args]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, error);
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }
}
