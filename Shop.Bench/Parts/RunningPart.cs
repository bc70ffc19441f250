using System.Globalization;
using Shop.Local;
using Shop.Local.Supervision;

namespace Shop.Bench.Parts;

/// <summary>
/// A part of a shop as a process of its own, on a free loopback port, in a throw-away directory; disposing stops it and deletes its files.
/// PostgreSQL is <see cref="Local.Postgres.LocalPostgres"/>, and a whole shop <see cref="LocalShop"/> (ephemeral).
/// </summary>
internal sealed class RunningPart : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(15);
    private readonly ChildProcess process;
    private readonly string directory;

    private RunningPart(ChildProcess process, string directory, string address)
    {
        this.process = process;
        this.directory = directory;
        Address = address;
    }

    /// <summary>Its connection string, or its URL.</summary>
    public string Address { get; }

    public int ProcessId => process.Id;

    /// <summary>The local broker, alone.</summary>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="more">Such as <c>--fsync</c>.</param>
    public static Task<RunningPart> BrokerAsync(CancellationToken cancellationToken, params string[] more) => StandInAsync("servicebus", port =>
        $"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;", "data", cancellationToken, more);

    /// <summary>The local document store, alone; the database is <c>shop</c>.</summary>
    public static Task<RunningPart> StoreAsync(CancellationToken cancellationToken) => StoreAsync("data", cancellationToken);

    /// <summary>The same with its data in a directory that is not deleted with it. It listens at once and answers when it has read what is there.</summary>
    public static Task<RunningPart> StoreAsync(string data, CancellationToken cancellationToken) =>
        StandInAsync("mongo", port => $"mongodb://127.0.0.1:{port}/shop", data, cancellationToken);

    /// <summary>A service, as a shop starts it: in its own directory, where its settings are (without them it would log every request). Ready when it returns.</summary>
    /// <param name="project">Such as <c>Shop.Commands</c>.</param>
    /// <param name="environment">Its settings, such as <c>ConnectionStrings__shopdb</c>.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="arguments">Its command line.</param>
    public static Task<RunningPart> ServiceAsync(
        string project, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken, params string[] arguments)
    {
        var url = ShopPorts.Url(FreePort.Next());
        var program = ServicePrograms.Find(project);
        var settings = new Dictionary<string, string>(environment)
        {
            ["ASPNETCORE_URLS"] = url, ["ASPNETCORE_ENVIRONMENT"] = "Production", ["DOTNET_gcServer"] = "0",
        };
        return StartAsync(
            project, [program, .. arguments], settings, url, async token => (await Probes.HealthAsync(url, token)).State, cancellationToken, Path.GetDirectoryName(program));
    }

    public async ValueTask DisposeAsync()
    {
        await process.StopAsync(StopGrace);
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private static Task<RunningPart> StandInAsync(string verb, Func<int, string> address, string data, CancellationToken cancellationToken, params string[] more)
    {
        var port = FreePort.Next();
        return StartAsync(
            verb, [ServicePrograms.Runner, verb, "--port", port.ToString(CultureInfo.InvariantCulture), "--data", data, .. more],
            new Dictionary<string, string> { ["DOTNET_gcServer"] = "0" }, address(port), async token => (await Probes.TcpAsync(port, token)).State, cancellationToken);
    }

    private static async Task<RunningPart> StartAsync(
        string name, string[] arguments, Dictionary<string, string> environment, string address, Func<CancellationToken, Task<PartState>> probeAsync,
        CancellationToken cancellationToken, string? workingDirectory = null)
    {
        var directory = Directory.CreateTempSubdirectory($"shop-bench-{name}-").FullName;
        var process = await ChildProcess.StartAsync(new(
            ServicePrograms.Dotnet, arguments, environment, workingDirectory ?? directory, Path.Combine(directory, name + ".log"), Signal.Terminate));
        var part = new RunningPart(process, directory, address);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            while (await probeAsync(deadline.Token) is not (PartState.Healthy or PartState.Degraded))
            {
                if (!process.IsRunning) throw new LocalRunException($"{name} ended while starting:{Environment.NewLine}{process.LogTail}");
                await Task.Delay(Step, deadline.Token);
            }

            return part;
        }
        catch (Exception exception) when (exception is LocalRunException or OperationCanceledException)
        {
            var tail = process.LogTail;
            await part.DisposeAsync();
            if (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
                throw new LocalRunException($"{name} was not ready after {Deadline.TotalSeconds:0} s:{Environment.NewLine}{tail}", exception);
            throw;
        }
    }
}
