using System.Globalization;
using Shop.Local.Postgres;

namespace Shop.Local.Supervision;

/// <summary>What the parts of one shop are: their processes, where they listen, and what each is told. A part is told what it needs and no more.</summary>
internal sealed class ShopPlan(LocalShopOptions options, ShopPorts ports, ShopDirectory directory)
{
    internal static readonly TimeSpan ServiceGrace = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(5);
    private PostgresCluster? cluster;

    public string ReadConnectionString => options.Mongo ?? $"mongodb://127.0.0.1:{ports.Store}/shop";

    // The key is the one that the official emulator is used with: this broker listens on loopback and checks none.
    public string MessagingConnectionString => options.ServiceBus
        ?? $"Endpoint=sb://127.0.0.1:{ports.Broker};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;";

    public string WriteConnectionString => options.Postgres ?? cluster!.ConnectionString;

    /// <summary>The ports that must be free.</summary>
    public IEnumerable<(int Port, string Name)> Ports()
    {
        if (options.Postgres is null) yield return (ports.Postgres, PartNames.Of(Part.Postgres));
        if (options.ServiceBus is null) yield return (ports.Broker, PartNames.Of(Part.Broker));
        if (options.Mongo is null) yield return (ports.Store, PartNames.Of(Part.Store));
        yield return (ports.Commands, PartNames.Of(Part.Commands));
        yield return (ports.Queries, PartNames.Of(Part.Queries));
        yield return (ports.Projector, PartNames.Of(Part.Projector));
        yield return (ports.CommandsAdmin, $"{PartNames.Of(Part.Commands)}' administration");
        yield return (ports.ProjectorAdmin, $"{PartNames.Of(Part.Projector)}'s administration");
    }

    public async Task<PartPlan> PostgresAsync(CancellationToken cancellationToken)
    {
        var prepared = await PostgresCluster.PrepareAsync(
            new() { DataDirectory = options.Ephemeral ? null : directory.Path, Port = ports.Postgres, Fsync = options.Fsync, LogFile = directory.Log("postgres") }, cancellationToken);
        cluster = prepared;
        return new PartPlan(
            Part.Postgres, prepared.ConnectionString, prepared.Command(),
            async (process, token) => new(process.HasSaidReady && await prepared.IsReadyAsync(token)
                ? PartState.Healthy : PartState.Starting),
            ServiceGrace, AfterStartAsync: prepared.EnsureDatabaseAsync);
    }

    public void DiscardPostgres() => cluster?.Discard();

    public PartPlan Broker() => StandIn(Part.Broker, "servicebus", ports.Broker, MessagingConnectionString);

    public PartPlan Store() => StandIn(Part.Store, "mongo", ports.Store, ReadConnectionString);

    public PartPlan Commands() => Service(Part.Commands, ports.Commands, ports.CommandsAdmin, new()
    {
        ["ConnectionStrings__shopdb"] = WriteConnectionString,
        ["ConnectionStrings__messaging"] = MessagingConnectionString,
    });

    public PartPlan Queries() => Service(Part.Queries, ports.Queries, adminPort: null, new()
    {
        ["ConnectionStrings__readdb"] = ReadConnectionString,
        ["services__commands__http__0"] = ShopPorts.Url(ports.Commands),
        ["services__projector__http__0"] = ShopPorts.Url(ports.Projector),
    });

    public PartPlan Projector() => Service(Part.Projector, ports.Projector, ports.ProjectorAdmin, new()
    {
        ["ConnectionStrings__readdb"] = ReadConnectionString,
        ["ConnectionStrings__messaging"] = MessagingConnectionString,
        ["services__commands__admin__0"] = ShopPorts.Url(ports.CommandsAdmin),
    });

    private PartPlan StandIn(Part part, string verb, int port, string address) => new(
        part, address,
        new ChildCommand(
            ServicePrograms.Dotnet,
            [ServicePrograms.Runner, verb, "--port", port.ToString(CultureInfo.InvariantCulture), "--data", directory.Subdirectory(verb)],
            new Dictionary<string, string> { ["DOTNET_gcServer"] = "0" },
            directory.Path, directory.Log(verb), Signal.Terminate),
        (_, token) => Probes.TcpAsync(port, token), ServiceGrace);

    private PartPlan Service(Part part, int port, int? adminPort, Dictionary<string, string> environment)
    {
        var project = PartNames.Of(part);
        var url = ShopPorts.Url(port);
        environment["ASPNETCORE_URLS"] = url;
        environment["ASPNETCORE_ENVIRONMENT"] = Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") is { Length: > 0 } given ? given : "Production";
        environment["OTEL_SERVICE_NAME"] = part.ToString().ToLowerInvariant();
        environment["DOTNET_gcServer"] = "0";
        if (adminPort is { } admin)
        {
            environment["Shop__AdminUrl"] = ShopPorts.Url(admin);
            environment["Shop__AdminKey"] = directory.AdminKey;
        }

        foreach (var (name, value) in options.Environment) environment[name] = value;
        var program = ServicePrograms.Find(project);
        return new PartPlan(
            part, url,
            new ChildCommand(ServicePrograms.Dotnet, [program], environment, Path.GetDirectoryName(program)!, directory.Log(project), Signal.Terminate),
            (_, token) => Probes.HealthAsync(url, token), ServiceGrace, HealthInterval);
    }
}
