using System.CommandLine;
using System.Diagnostics;
using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>Stops a running shop, however it was started, and waits until it has ended.</summary>
internal static class DownVerb
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var (data, portBase) = (ShopOptions.Data(), ShopOptions.PortBase());
        var command = new Command("down", "Stop the shop that is running.") { data, portBase };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var shop = ShopLocator.Find(parsed.GetValue(data), parsed.GetValue(portBase));
            await StopAsync(shop, cancellationToken);
            Console.WriteLine($"Stopped the shop on {shop.Directory}.");
            return ShopCommandLine.Done;
        });
        return command;
    }

    private static async Task StopAsync(RunningShop shop, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            // Windows has no signal for a process without a console; PostgreSQL and the stand-ins recover as from a crash.
            using var runner = Process.GetProcessById(shop.State.RunnerProcessId);
            runner.Kill(entireProcessTree: true);
        }
        else
        {
            Posix.Send(shop.State.RunnerProcessId, Signal.Terminate);
        }

        var began = TimeProvider.System.GetTimestamp();
        while (ShopDirectory.IsHeld(shop.Directory))
        {
            if (TimeProvider.System.GetElapsedTime(began) > Deadline)
                throw new LocalRunException($"The shop on {shop.Directory} has not stopped after {Deadline.TotalSeconds:0} s; its runner is process {shop.State.RunnerProcessId}.");
            await Task.Delay(Step, cancellationToken);
        }
    }
}
