using System.Diagnostics;
using System.Globalization;
using Shop.Local.Supervision;

namespace Shop.Tests.Local;

/// <summary>The runner as a process: its directory is under a 0700 home, and as root PostgreSQL is another user's.</summary>
public sealed class RunnerTests : IDisposable
{
    private readonly TemporaryDirectory home = new();
    private readonly string portBase = ShopPorts.Free().Base.ToString(CultureInfo.InvariantCulture);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Data => Path.Combine(home.Path, "clone", ".shop");

    [Fact]
    public async Task A_killed_runner_leaves_no_process_and_the_next_one_starts_and_stops_in_order()
    {
        // The first has no home to write in: such a shop is found by its directory alone.
        using var runner = ShopProgram.Start(["up", "--data", Data, "--port-base", portBase], ("XDG_DATA_HOME", "/dev/null"));
        Drain(runner);
        await ShopProgram.WaitUntilAsync(() => ShopDirectory.ReadState(Data) is { IsReady: true }, "the shop is up", Token);
        var state = ShopDirectory.ReadState(Data)!;
        Assert.Equal(6, state.Parts.Count);
        runner.Kill();
        if (OperatingSystem.IsLinux()) await ShopProgram.WaitUntilAsync(() => !AnyAlive(state), "the parts follow their runner", Token);

        var (started, table, error) = await ShopProgram.RunAsync(["up", "--detach", "--data", Data, "--port-base", portBase], Token);
        Assert.True(started == 0, error);
        Assert.Contains("Healthy", table, StringComparison.Ordinal);
        var (found, _, _) = await ShopProgram.RunAsync(["status", "--port-base", portBase], Token);
        Assert.Equal(0, found);
        state = ShopDirectory.ReadState(Data)!;
        var (stopped, _, _) = await ShopProgram.RunAsync(["down", "--data", Data], Token);
        Assert.Equal(0, stopped);
        Assert.False(AnyAlive(state));
    }

    public void Dispose()
    {
        var location = Path.Combine(Data, "postgres.location");
        if (File.Exists(location)) Directory.Delete(File.ReadAllText(location).Trim(), recursive: true);
        home.Dispose();
    }

    private static bool AnyAlive(ShopState state) => state.Parts.Any(part => part.ProcessId is { } id && ShopProgram.IsAlive(id));

    private static void Drain(Process process)
    {
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }
}
