using System.Diagnostics;
using System.Globalization;
using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>A shop whose runner is a process of its own, in no terminal's session.</summary>
internal static class DetachedShop
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    /// <summary>Returns when it is up, or has failed with its own words.</summary>
    public static async Task<int> StartAsync(LocalShopOptions options, CancellationToken cancellationToken)
    {
        if (options.Ephemeral) throw new LocalRunException("--ephemeral and --detach exclude each other: nobody would see where it is.");
        var path = Path.GetFullPath(options.DataDirectory ?? Path.Combine(RepositoryRoot.Find(), ".shop"));
        if (ShopLocator.ReadRunning(path) is not null)
            throw new LocalRunException($"A shop is already running on {path}: see it with ./shop status, stop it with ./shop down.");
        ShopDirectory.CreateForOwner(path);
        var log = Path.Combine(path, "runner.log");
        using var runner = Process.Start(StartInfo(options, path, log)) ?? throw new LocalRunException("The runner cannot be started.");
        while (!runner.HasExited)
        {
            if (ShopDirectory.ReadState(path) is { IsReady: true } state && state.RunnerProcessId == runner.Id)
            {
                ShopScreen.Write(state.Parts);
                Console.WriteLine($"Dashboard: {ShopPorts.Url(new ShopPorts(state.PortBase).Queries)}/ (./shop seed fills it)");
                return ShopCommandLine.Done;
            }

            await Task.WhenAny(runner.WaitForExitAsync(cancellationToken), Task.Delay(Step, cancellationToken));
            if (!cancellationToken.IsCancellationRequested) continue;
            if (!OperatingSystem.IsWindows()) Posix.Send(runner.Id, Signal.Terminate);
            cancellationToken.ThrowIfCancellationRequested();
        }

        throw new LocalRunException(File.Exists(log) ? (await File.ReadAllTextAsync(log, cancellationToken)).Trim() : "The runner ended while starting.");
    }

    private static ProcessStartInfo StartInfo(LocalShopOptions options, string path, string log)
    {
        string[] line = [ServicePrograms.Dotnet, ServicePrograms.Runner, "up", "--yes", "--data", path, "--port-base", options.PortBase.ToString(CultureInfo.InvariantCulture),
            .. Given("--postgres", options.Postgres), .. Given("--servicebus", options.ServiceBus), .. Given("--mongo", options.Mongo)];
        if (OperatingSystem.IsWindows()) return new ProcessStartInfo(line[0], line[1..]) { UseShellExecute = true, WindowStyle = ProcessWindowStyle.Hidden };
        // The shell opens the log, which the connection strings are in, and then is the runner; setsid (where there is one) takes it out of the terminal's session.
        const string script = "umask 077; log=$1; shift; command -v setsid >/dev/null && exec setsid \"$@\" </dev/null >\"$log\" 2>&1; exec nohup \"$@\" </dev/null >\"$log\" 2>&1";
        return new ProcessStartInfo("/bin/sh", ["-c", script, "sh", log, .. line]);
    }

    private static string[] Given(string option, string? value) => value is null ? [] : [option, value];
}
