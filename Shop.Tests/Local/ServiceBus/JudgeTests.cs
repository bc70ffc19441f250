using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

public sealed class JudgeTests
{
    private const string KeyName = "Root";
    private const string Key = "c2VjcmV0LWtleS1mb3ItdGVzdHM=";

    [Fact]
    public async Task The_official_JavaScript_client_accepts_the_broker()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var judge = Path.Combine(Path.GetDirectoryName(SourcePath())!, "../../Judges/servicebus");
        Assert.SkipUnless(File.Exists(Path.Combine(judge, "judge.mjs")), "The judge's source is not next to these tests.");
        Assert.SkipUnless(await RunAsync("node", ["--version"], judge, cancellationToken) is (0, _), "Node.js is not installed.");
        if (!Directory.Exists(Path.Combine(judge, "node_modules/@azure/service-bus")))
        {
            var (installed, output) = await RunAsync("npm", ["ci", "--no-audit", "--no-fund"], judge, cancellationToken);
            Assert.SkipUnless(installed == 0, $"npm could not install the client: {output}");
        }

        using var directory = new TemporaryDirectory();
        await using var broker = await BrokerServer.StartAsync(
            new BrokerOptions { DataDirectory = directory.Path, ConfigPath = Path.Combine(judge, "Config.json") }, cancellationToken);
        await using var signed = await BrokerServer.StartAsync(
            new BrokerOptions { ConfigPath = Path.Combine(judge, "Config.json"), SharedAccessKeyName = KeyName, SharedAccessKey = Key }, cancellationToken);
        var (failures, log) = await RunAsync("node", ["judge.mjs", broker.ConnectionString, "", $"Endpoint=sb://127.0.0.1:{signed.Port};SharedAccessKeyName={KeyName};SharedAccessKey={Key};UseDevelopmentEmulator=true"], judge, cancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(log);
        Assert.True(failures == 0, log);
        Assert.Equal(28, log.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)));
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(
        string program, string[] arguments, string directory, CancellationToken cancellationToken)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true };
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, output + await error);
        }
        catch (Win32Exception missing)
        {
            return (-1, missing.Message);
        }
    }

    private static string SourcePath([CallerFilePath] string path = "") => path;
}
