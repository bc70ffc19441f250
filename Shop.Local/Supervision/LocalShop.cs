using System.Collections.Concurrent;

namespace Shop.Local.Supervision;

/// <summary>A running shop: every part a process of its own on loopback. Disposing stops it, services first, and leaves nothing behind.</summary>
public sealed class LocalShop : IAsyncDisposable
{
    private readonly ShopDirectory directory;
    private readonly ShopPlan plan;
    private readonly Action<PartStatus>? onChange;
    private readonly ConcurrentDictionary<Part, SupervisedPart> parts = new();
    private readonly ConcurrentDictionary<Part, PartStatus> statuses = new();
    private readonly Lock stateFile = new();
    private bool isReady;
    private bool isStopping;

    private LocalShop(LocalShopOptions options, ShopPorts ports, ShopDirectory directory, Action<PartStatus>? onChange)
    {
        Ports = ports;
        this.directory = directory;
        this.onChange = onChange;
        plan = new ShopPlan(options, ports, directory);
    }

    public ShopPorts Ports { get; }

    public string DataDirectory => directory.Path;

    public string AdminKey => directory.AdminKey;

    public string CommandsUrl => ShopPorts.Url(Ports.Commands);

    public string QueriesUrl => ShopPorts.Url(Ports.Queries);

    public string ProjectorUrl => ShopPorts.Url(Ports.Projector);

    public string CommandsAdminUrl => ShopPorts.Url(Ports.CommandsAdmin);

    public string ProjectorAdminUrl => ShopPorts.Url(Ports.ProjectorAdmin);

    /// <summary>PostgreSQL, in Npgsql's form.</summary>
    public string WriteConnectionString => plan.WriteConnectionString;

    /// <summary>The document store.</summary>
    public string ReadConnectionString => plan.ReadConnectionString;

    /// <summary>The bus.</summary>
    public string MessagingConnectionString => plan.MessagingConnectionString;

    public IReadOnlyList<PartStatus> Statuses => [.. statuses.Values.OrderBy(status => status.Part)];

    /// <summary>Returns when every part is up; whatever goes wrong before leaves nothing running.</summary>
    /// <param name="options">Which shop.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="onChange">Told every change of a part, from any thread.</param>
    /// <exception cref="LocalRunException">A port is in use, a part does not start, or the directory is another runner's.</exception>
    public static async Task<LocalShop> StartAsync(LocalShopOptions options, CancellationToken cancellationToken, Action<PartStatus>? onChange = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var directory = await ShopDirectory.OpenAsync(options.DataDirectory, options.Ephemeral, cancellationToken);
        var shop = new LocalShop(options, options.PortBase == 0 ? ShopPorts.Free() : new ShopPorts(options.PortBase), directory, onChange);
        try
        {
            await Orphans.EndAsync(ShopDirectory.ReadState(directory.Path), cancellationToken);
            await shop.StartPartsAsync(options, cancellationToken);
            return shop;
        }
        catch (Exception)
        {
            await shop.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGKILL. The part comes back by itself, as after any crash, unless it is to stay down until <see cref="StartAsync(Part, CancellationToken)"/>.</summary>
    public Task KillAsync(Part part, bool stayDown = false) => stayDown ? parts[part].StopAsync(kill: true) : parts[part].KillAsync();

    /// <summary>Stops one part gracefully; it stays down until it is started.</summary>
    public Task StopAsync(Part part) => parts[part].StopAsync();

    /// <summary>Starts a stopped part and waits until it is up.</summary>
    public Task StartAsync(Part part, CancellationToken cancellationToken) => parts[part].StartAsync(cancellationToken);

    public Task WaitUntilAsync(Part part, Predicate<PartStatus> condition, CancellationToken cancellationToken) =>
        parts[part].WaitUntilAsync(condition, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        isStopping = true;
        Part[][] order = [[Part.Commands, Part.Queries, Part.Projector], [Part.Broker, Part.Store], [Part.Postgres]];
        foreach (var group in order)
            await Task.WhenAll(group.Select(part => parts.TryRemove(part, out var running) ? running.DisposeAsync().AsTask() : Task.CompletedTask));
        plan.DiscardPostgres();
        RunningShops.Remove(Ports.Base, directory.Path);
        directory.Dispose();
    }

    private async Task StartPartsAsync(LocalShopOptions options, CancellationToken cancellationToken)
    {
        foreach (var (port, name) in plan.Ports())
        {
            if (!FreePort.IsFree(port)) throw new LocalRunException($"Port {port} ({name}) is in use by another program: choose another range with --port-base.");
        }

        RunningShops.Add(Ports.Base, directory.Path);
        await AllAsync(cancellationToken,
            async token => await StartAsync(options.Postgres is null ? await plan.PostgresAsync(token) : null, Part.Postgres, token),
            token => StartAsync(options.ServiceBus is null ? plan.Broker() : null, Part.Broker, token),
            token => StartAsync(options.Mongo is null ? plan.Store() : null, Part.Store, token));
        await AllAsync(cancellationToken,
            token => StartAsync(plan.Commands(), Part.Commands, token),
            token => StartAsync(plan.Queries(), Part.Queries, token),
            token => StartAsync(plan.Projector(), Part.Projector, token));
        isReady = true;
        WriteState();
    }

    private async Task StartAsync(PartPlan? partPlan, Part part, CancellationToken cancellationToken)
    {
        if (partPlan is null)
        {
            Report(new PartStatus(part, PartState.External, "given by its connection string"));
            return;
        }

        var supervised = parts[part] = new SupervisedPart(partPlan, TimeProvider.System, Report);
        await supervised.StartAsync(cancellationToken);
    }

    /// <summary>Together; the first failure ends the others' waiting and is the one that is reported.</summary>
    private static async Task AllAsync(CancellationToken cancellationToken, params Func<CancellationToken, Task>[] starts)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = starts.Select(start => Task.Run(() => start(stop.Token), cancellationToken)).ToList();
        await foreach (var ended in Task.WhenEach(running))
        {
            if (ended.IsCompletedSuccessfully) continue;
            await stop.CancelAsync();
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ended;
        }
    }

    private void Report(PartStatus status)
    {
        statuses[status.Part] = status;
        try
        {
            if (!isStopping) WriteState();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A full disk makes shop status speak of the past until the next change; thrown here it would end the watch over the part.
        }

        onChange?.Invoke(status);
    }

    private void WriteState()
    {
        lock (stateFile) directory.Write(new ShopState(Environment.ProcessId, Ports.Base, isReady, Statuses));
    }
}
