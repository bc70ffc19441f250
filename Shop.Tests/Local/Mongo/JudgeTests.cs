using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Shop.Tests.Local.Mongo;

/// <summary>Clients that we did not write, each in its own language.</summary>
public sealed class JudgeTests(StoreFixture store) : IClassFixture<StoreFixture>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);
    private static readonly string Folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "../../Judges/mongo"));

    [Fact]
    public async Task The_official_node_driver_agrees()
    {
        if (!File.Exists(Path.Combine(Folder, "node_modules/mongodb/package.json")) && await RunAsync("npm", ["install", "--no-package-lock", "--no-audit", "--no-fund"]) is not { ExitCode: 0 })
            Assert.Skip("Node's 'mongodb' driver is not there and npm cannot install it");
        if (await RunAsync("node", ["judge.mjs", store.Server.ConnectionString]) is not { } verdict)
        {
            Assert.Skip("Node is not installed");
            return;
        }
        Assert.True(verdict.ExitCode == 0, verdict.Output);
    }

    [Fact]
    public async Task Pymongo_agrees()
    {
        // Debian's package belongs to the system's Python, whichever other one comes first in the path.
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        if (await RunAsync(python, ["-c", "import pymongo"]) is not { ExitCode: 0 })
            Assert.Skip("Python 3 with pymongo is not installed (Debian: python3-pymongo)");
        var verdict = await RunAsync(python, ["judge.py", store.Server.ConnectionString]);
        Assert.True(verdict is { ExitCode: 0 }, verdict?.Output);
    }

    private static string Here([CallerFilePath] string path = "") => path;

    private static async Task<(int ExitCode, string Output)?> RunAsync(string program, string[] arguments)
    {
        using var process = new Process { StartInfo = new(program, arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true } };
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return null;
        }
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Deadline);
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var errors = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output + await errors);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(true);
        }
    }
}
