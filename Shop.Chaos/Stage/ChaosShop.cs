using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Shop.Chaos.Schedule;
using Shop.Local.Postgres;
using Shop.Local.Supervision;

namespace Shop.Chaos.Stage;

/// <summary>
/// A shop of its own: PostgreSQL, broker and store, two of each service, every process with its own data and port, a proxy between every two
/// that talk. Disposing stops it.
/// </summary>
internal sealed class ChaosShop : IAsyncDisposable
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(90);
    private static readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(3) };

    private readonly StageOptions options;
    private readonly PostgresCluster postgres;
    private readonly Dictionary<string, Instance> parts = [];
    private readonly Dictionary<string, PairProxy> proxies = [];
    private readonly StagePorts ports = new();
    private readonly TimeProvider time;

    private ChaosShop(StageOptions options, PostgresCluster postgres, StagePorts ports, TimeProvider time)
    {
        (this.options, this.postgres, this.ports, this.time) = (options, postgres, ports, time);
        AdminKey = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
    }

    public string Directory => options.Directory;

    public string PostgresDirectory => postgres.Directory;

    public string AdminKey { get; }

    public IEnumerable<Instance> Parts => parts.Values;

    public Instance Part(string name) => parts[name];

    public PairProxy Proxy(string pair) => proxies[pair];

    /// <summary>Past the proxies: what the harness itself looks at is not to be disturbed.</summary>
    public string WriteConnectionString => new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Pooling = false, Timeout = 5, CommandTimeout = 30 }.ConnectionString;

    public string ReadConnectionString => Store(ports.Of(Topology.Store));

    public string MessagingConnectionString => Messaging(ports.Of(Topology.Broker));

    public string AdministrationOf(string part) => ShopPorts.Url(ports.Administration(part));

    /// <summary>What a client of the shop uses.</summary>
    public string ClientUrl(string service) => ShopPorts.Url(ports.Proxy("clients", service));

    public string DirectUrl(string service) => ShopPorts.Url(ports.Of(service));

    public string LogOf(string part) => Path.Combine(Directory, "logs", part);

    /// <summary>Where its crash points are armed.</summary>
    public string ArmoryOf(string part) => Path.Combine(Directory, "crash-points", part);

    public static async Task<ChaosShop> StartAsync(StageOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        System.IO.Directory.CreateDirectory(Path.Combine(options.Directory, "logs"));
        var ports = new StagePorts();
        var postgres = await PostgresCluster.PrepareAsync(
            new() { Port = ports.Of(Topology.Postgres), LogFile = Path.Combine(options.Directory, "logs", "postgres.log"), Database = "shop", Settings = new Dictionary<string, string> { ["max_wal_size"] = "128MB", ["min_wal_size"] = "32MB" } },
            cancellationToken);
        var shop = new ChaosShop(options, postgres, ports, time);
        try
        {
            await shop.StartPartsAsync(cancellationToken);
            return shop;
        }
        catch (Exception)
        {
            await shop.DisposeAsync();
            throw;
        }
    }

    /// <summary>A service that is up answers <c>/health</c> with 200.</summary>
    public async Task<string?> HealthAsync(string service, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(DirectUrl(service) + "/health"), cancellationToken);
            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.IsSuccessStatusCode ? body : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>A service's wall clock minus ours, in whole seconds and up to two late, by the date of its answers; null without one.</summary>
    public async Task<TimeSpan?> ClockErrorAsync(string service, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(DirectUrl(service) + "/alive"), cancellationToken);
            return response.Headers.Date - time.GetUtcNow();
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in proxies.Values) proxy.End();
        await StopAsync(Topology.Services);
        await StopAsync([Topology.Broker, Topology.Store]);
        await StopAsync([Topology.Postgres]);
        foreach (var proxy in proxies.Values) await proxy.DisposeAsync();
        foreach (var disk in options.Disks) await disk.DisposeAsync();
        postgres.Discard();
    }

    private Task StopAsync(string[] names) =>
        Task.WhenAll(names.Select(name => parts.Remove(name, out var part) ? part.DisposeAsync().AsTask() : Task.CompletedTask));

    private async Task StartPartsAsync(CancellationToken cancellationToken)
    {
        foreach (var disk in options.Disks) await disk.MountAsync(DataOf(disk.Part), cancellationToken);
        foreach (var (from, to) in Topology.Pairs) proxies.Add(Topology.Pair(from, to), new PairProxy(ports.Proxy(from, to), ports.TargetOf(from, to), time));
        Add(Topology.Postgres, _ => postgres.Command(), postgres.IsReadyAsync);
        Add(Topology.Broker, start => StandIn(Topology.Broker, start, "servicebus", ["--config", WriteBrokerConfiguration(), .. options.BrokerArguments]), token => AcceptsAsync(Topology.Broker, token));
        Add(Topology.Store, start => StandIn(Topology.Store, start, "mongo", []), token => AcceptsAsync(Topology.Store, token));
        await WaitUntilUpAsync([Topology.Postgres, Topology.Broker, Topology.Store], cancellationToken);
        await postgres.EnsureDatabaseAsync(cancellationToken);
        foreach (var service in Topology.Services)
        {
            System.IO.Directory.CreateDirectory(ArmoryOf(service));
            Add(service, start => Service(service, start), async token => await HealthAsync(service, token) is not null);
        }

        await WaitUntilUpAsync(Topology.Services, cancellationToken);
    }

    private void Add(string name, Func<int, ChildCommand> command, Func<CancellationToken, Task<bool>> isUpAsync)
    {
        var part = new Instance(name, command, isUpAsync, process => WasOrdered(name, process), time);
        parts.Add(name, part);
        part.Start();
    }

    /// <summary>Who ends at a crash point leaves the order behind, with its own number.</summary>
    private bool WasOrdered(string name, int process) =>
        System.IO.Directory.Exists(ArmoryOf(name)) && System.IO.Directory.EnumerateFiles(ArmoryOf(name), FormattableString.Invariant($"*.{process}.taken")).Any();

    private Task WaitUntilUpAsync(string[] names, CancellationToken cancellationToken) =>
        Task.WhenAll(names.Select(name => parts[name].WaitUntilUpAsync(patience, cancellationToken)));

    private async Task<bool> AcceptsAsync(string part, CancellationToken cancellationToken) =>
        (await Probes.TcpAsync(ports.Of(part), cancellationToken)).State == PartState.Healthy;

    private string DataOf(string part) => part == Topology.Postgres ? postgres.Directory : Path.Combine(Directory, part);

    private ChildCommand StandIn(string part, int start, string verb, string[] more) => new(
        ServicePrograms.Dotnet,
        [ServicePrograms.Runner, verb, "--port", ports.Of(part).ToString(CultureInfo.InvariantCulture), "--data", DataOf(part), .. more],
        new Dictionary<string, string> { ["DOTNET_gcServer"] = "0" }, Directory, Log(part, start), Signal.Terminate);

    private ChildCommand Service(string service, int start)
    {
        var project = Topology.Commands.Contains(service) ? "Shop.Commands" : Topology.Projectors.Contains(service) ? "Shop.Projector" : "Shop.Queries";
        var environment = new Dictionary<string, string>(options.Environment(service))
        {
            ["ASPNETCORE_URLS"] = DirectUrl(service),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["OTEL_SERVICE_NAME"] = service,
            ["DOTNET_gcServer"] = "0",
            [ServiceDefaults.Reliability.CrashPoint.Variable] = ArmoryOf(service),
        };
        if (project != "Shop.Queries")
        {
            environment["Shop__AdminUrl"] = AdministrationOf(service);
            environment["Shop__AdminKey"] = AdminKey;
            environment["ConnectionStrings__messaging"] = Messaging(ports.Proxy(service, Topology.Broker));
        }

        if (project == "Shop.Commands")
            environment["ConnectionStrings__shopdb"] = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Port = ports.Proxy(service, Topology.Postgres) }.ConnectionString;
        else environment["ConnectionStrings__readdb"] = Store(ports.Proxy(service, Topology.Store));
        if (project == "Shop.Projector") environment["services__commands__admin__0"] = ShopPorts.Url(ports.Proxy(service, Topology.Commands[0]));

        var program = ServicePrograms.Find(project);
        return new(ServicePrograms.Dotnet, [program], environment, Path.GetDirectoryName(program)!, Log(service, start), Signal.Terminate);
    }

    /// <summary>A log per start: what a killed process said last is what one wants to read.</summary>
    private string Log(string part, int start) => FormattableString.Invariant($"{LogOf(part)}.{start}.log");

    private static string Store(int port) => $"mongodb://127.0.0.1:{port}/shop";

    private static string Messaging(int port) =>
        $"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;";

    /// <summary>The shop's entities, and a second subscription by which the harness sees everything that is published.</summary>
    private string WriteBrokerConfiguration()
    {
        var path = Path.Combine(Directory, "broker.json");
        File.WriteAllText(path, """
            { "UserConfig": { "Namespaces": [ { "Name": "shop", "Topics": [ { "Name": "shop-events", "Subscriptions": [
              { "Name": "projector", "Properties": { "LockDuration": "PT15S", "MaxDeliveryCount": 2000 } },
              { "Name": "audit", "Properties": { "LockDuration": "PT15S", "MaxDeliveryCount": 2000 } } ] } ] } ] } }
            """);
        return path;
    }
}
