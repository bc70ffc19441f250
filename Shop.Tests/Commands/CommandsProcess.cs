using Shop.Local.Supervision;

namespace Shop.Tests.Commands;

/// <summary>Shop.Commands as a process of its own, to be killed or frozen.</summary>
internal sealed class CommandsProcess : IAsyncDisposable
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(12);

    // Their numbers differ between Linux and macOS.
    private static readonly Signal stop = (Signal)(OperatingSystem.IsMacOS() ? 17 : 19);
    private static readonly Signal resume = (Signal)(OperatingSystem.IsMacOS() ? 19 : 18);
    private readonly ChildProcess process;

    private CommandsProcess(ChildProcess process, Uri address)
    {
        this.process = process;
        Http = new HttpClient { BaseAddress = address };
    }

    public HttpClient Http { get; }

    public static async Task<CommandsProcess> StartAsync(string postgres, string messaging, string directory, CancellationToken cancellationToken)
    {
        var address = new Uri(ShopPorts.Url(FreePort.Next()));
        var process = await ChildProcess.StartAsync(new ChildCommand(
            ServicePrograms.Dotnet, [ServicePrograms.Find("Shop.Commands")],
            new Dictionary<string, string>
            {
                ["ASPNETCORE_URLS"] = address.ToString(),
                ["ConnectionStrings__shopdb"] = postgres,
                ["ConnectionStrings__messaging"] = messaging,
            },
            directory, Path.Combine(directory, $"commands-{address.Port}.log"), Signal.Terminate));
        var started = new CommandsProcess(process, address);
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                using var response = await started.Http.GetAsync("/health", cancellationToken);
                return response.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return process.IsRunning ? false : throw new InvalidOperationException(process.LogTail);
            }
        }, "Shop.Commands is ready", cancellationToken);
        return started;
    }

    public Task KillAsync() => process.KillAsync();

    /// <summary>SIGSTOP: the process keeps its connections and does nothing.</summary>
    public void Freeze() => Posix.Send(process.Id, stop);

    public void Thaw() => Posix.Send(process.Id, resume);

    public async ValueTask DisposeAsync()
    {
        if (process.IsRunning)
        {
            Thaw();
            await process.StopAsync(StopGrace);
        }

        process.Dispose();
        Http.Dispose();
    }
}
