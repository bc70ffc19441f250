using System.Diagnostics;
using System.Runtime.InteropServices;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Local;
using Shop.Local.Postgres;
using Shop.Local.Supervision;

namespace Shop.Bench.Start;

/// <summary>
/// From starting a service's process to <c>/health</c> answering 200, with everything it needs already there: published as an image has it,
/// compiled to machine code (ReadyToRun), beside compiled to IL alone.
/// </summary>
internal static class StartBenchmark
{
    private const string AdminKey = "a-key-for-measuring-only";
    private static readonly string[] projects = ["Shop.Commands", "Shop.Projector", "Shop.Queries"];

    public static Benchmark Definition { get; } = new("start", "from starting a service to being ready, with and without ReadyToRun", RunAsync);

    private static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        var output = Directory.CreateTempSubdirectory("shop-bench-start-").FullName;
        try
        {
            foreach (var project in projects)
            {
                run.Say($"publishing {project} twice");
                await PublishAsync(project, output, readyToRun: false, cancellationToken);
                await PublishAsync(project, output, readyToRun: true, cancellationToken);
            }

            await using var postgres = await LocalPostgres.StartAsync(new LocalPostgresOptions(), cancellationToken);
            await using var broker = await RunningPart.BrokerAsync(cancellationToken);
            await using var store = await RunningPart.StoreAsync(cancellationToken);
            var environment = new Dictionary<string, string>
            {
                ["ConnectionStrings__shopdb"] = postgres.ConnectionString,
                ["ConnectionStrings__messaging"] = broker.Address,
                ["ConnectionStrings__readdb"] = store.Address,
                ["Shop__AdminKey"] = AdminKey,
            };
            var subjects = projects.SelectMany(project => new[] { Subject(project, output, true, environment), Subject(project, output, false, environment) }).ToArray();
            // Once unmeasured: the schema, the collections, the disk cache.
            foreach (var subject in subjects) await subject.MeasureAsync(cancellationToken);
            var series = await run.InterleaveAsync(subjects, cancellationToken);
            return [.. subjects.Chunk(2).Select(pair => run.Result(series[pair[0]], series[pair[1]], Target.AtMostTimes(1)))];
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }

    private static Subject Subject(string project, string output, bool readyToRun, Dictionary<string, string> environment) => Measuring.Subject.Of(
        $"{project} {Kind(readyToRun)}", "start to ready", "ms",
        new("PostgreSQL with fsync, schema up to date", "one start at a time", "the service and what it needs share the machine"),
        cancellationToken => StartAsync(Path.Combine(output, Kind(readyToRun), project), project, environment, cancellationToken));

    private static string Kind(bool readyToRun) => readyToRun ? "ReadyToRun" : "IL";

    private static async Task PublishAsync(string project, string output, bool readyToRun, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(output, Kind(readyToRun), project);
        var start = new ProcessStartInfo(
            ServicePrograms.Dotnet,
            ["publish", Path.Combine(RepositoryRoot.Find(), project), "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "--self-contained", "false", "-v", "quiet", "-nologo",
                $"-p:PublishReadyToRun={readyToRun}", "-o", folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var publish = Process.Start(start)!;
        var said = publish.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = await publish.StandardError.ReadToEndAsync(cancellationToken);
        await publish.WaitForExitAsync(cancellationToken);
        if (publish.ExitCode != 0) throw new LocalRunException($"{project} cannot be published: {await said}{errors}");
    }

    private static async Task<double> StartAsync(string folder, string project, Dictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var url = ShopPorts.Url(FreePort.Next());
        var settings = new Dictionary<string, string>(environment)
        {
            ["ASPNETCORE_URLS"] = url, ["ASPNETCORE_ENVIRONMENT"] = "Production", ["DOTNET_gcServer"] = "0", ["Logging__LogLevel__Default"] = "Warning",
        };
        using var http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(10) };
        var began = Stopwatch.GetTimestamp();
        using var process = await ChildProcess.StartAsync(new(
            ServicePrograms.Dotnet, [Path.Combine(folder, project + ".dll")], settings, folder, Path.Combine(folder, "service.log"), Signal.Terminate));
        try
        {
            while (!await IsReadyAsync(http, cancellationToken))
            {
                if (!process.IsRunning) throw new LocalRunException($"{project} ended while starting:{Environment.NewLine}{process.LogTail}");
                await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
            }

            return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }
        finally
        {
            await process.StopAsync(TimeSpan.FromSeconds(15));
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync("/health", cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            // Nobody listens yet.
            return false;
        }
    }
}
