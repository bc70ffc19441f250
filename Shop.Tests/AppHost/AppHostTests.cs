using System.Text;
using System.Text.RegularExpressions;
using Shop.Commands.Intake;
using Shop.Commands.Outbox;
using Shop.Local.Supervision;
using Shop.Projector.Hosting;
using Shop.Tests.Architecture;

namespace Shop.Tests.AppHost;

/// <summary>The picture of the system agrees with the system: it is read as text, because its SDK is not on every feed.</summary>
public sealed partial class AppHostTests
{
    private static readonly string picture = Repository.Read("Shop.AppHost/AppHost.cs");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_service_is_given_what_the_local_runner_gives_it()
    {
        using var directory = await ShopDirectory.OpenAsync(null, true, Cancellation);
        var plan = new ShopPlan(new LocalShopOptions { Postgres = "Host=anywhere" }, new ShopPorts(ShopPorts.DefaultBase), directory);
        var services = Service().Matches(picture).ToDictionary(match => match.Groups[1].Value, match => match);
        foreach (var (name, part) in new[] { ("Commands", plan.Commands()), ("Projector", plan.Projector()), ("Queries", plan.Queries()) })
        {
            var service = services[name];
            Assert.Equal(name.ToLowerInvariant(), service.Groups[2].Value);
            Assert.Equal(service.Groups[2].Value, part.Command.Environment["OTEL_SERVICE_NAME"]);
            var references = Reference().Matches(service.Value).Select(match => match.Groups[1].Value);
            var given = part.Command.Environment.Keys.Select(key => key.Split("__")).Where(key => key[0] is "ConnectionStrings" or "services").Select(key => key[1]);
            Assert.Equal(given.Order(StringComparer.Ordinal), references.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void The_stand_ins_listen_where_the_local_runner_puts_them()
    {
        var ports = new ShopPorts(ShopPorts.DefaultBase);
        var standIns = StandIn().Matches(picture).ToDictionary(match => match.Groups[1].Value, match => int.Parse(match.Groups[2].Value, null));
        Assert.Equal(new Dictionary<string, int> { ["postgres"] = ports.Postgres, ["mongo"] = ports.Store, ["servicebus"] = ports.Broker }, standIns);
        Assert.Contains($"Host=127.0.0.1;Port={ports.Postgres};", picture, StringComparison.Ordinal);
        Assert.Contains($"mongodb://127.0.0.1:{ports.Store}/", picture, StringComparison.Ordinal);
        Assert.Contains($"Endpoint=sb://127.0.0.1:{ports.Broker};", picture, StringComparison.Ordinal);
        var commandLine = Repository.Read("Shop.Local/Program.cs") + string.Concat(Repository.SourceFiles("Shop.Local/Verbs").Select(File.ReadAllText));
        Assert.All(standIns.Keys, verb => Assert.Contains($"\"{verb}\"", commandLine, StringComparison.Ordinal));
    }

    [Fact]
    public void Topic_subscription_and_probes_are_those_of_the_services()
    {
        Assert.Equal(OutboxRelay.Topic, ProjectorSubscription.Topic);
        Assert.Contains($"AddServiceBusTopic(\"{ProjectorSubscription.Topic}\")", picture, StringComparison.Ordinal);
        Assert.Contains($"subscriptionName: \"{ProjectorSubscription.Name}\"", picture, StringComparison.Ordinal);
        var health = Repository.Read("Shop.ServiceDefaults/Health/HealthEndpoints.cs");
        Assert.All(new[] { "/health", "/alive" }, path =>
        {
            Assert.Contains($"MapHealthChecks(\"{path}\"", health, StringComparison.Ordinal);
            Assert.Contains($"WithHttpProbe(ProbeType.{(path == "/health" ? "Readiness" : "Liveness")}, \"{path}\")", picture, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("Shop.Commands", "/import", "/parked/replay")]
    [InlineData("Shop.Projector", "/rebuild", "/dead-letters/replay")]
    public void The_dashboards_buttons_lead_to_routes_that_exist(string service, params string[] paths)
    {
        var buttons = Button().Matches(Repository.Read("Shop.AppHost/DashboardCommands.cs")).Select(match => match.Groups[1].Value).ToArray();
        Assert.Equal(4, buttons.Length);
        Assert.All(paths, path => Assert.Contains(path, buttons));
        var routes = Repository.SourceFiles(service).Select(File.ReadAllText)
            .SelectMany(source => Route().Matches(source)).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        Assert.Equal([], paths.Except(routes));
    }

    [Fact]
    public void The_seed_is_well_formed()
    {
        var lines = Repository.Read("Shop.AppHost/seed.ndjson").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.NotNull(CommandReader.Read(Encoding.UTF8.GetBytes(line)).Item1));
    }

    [Fact]
    public void The_picture_stays_one_screen_or_two() => Assert.InRange(picture.Count(character => character == '\n'), 1, 80);

    [GeneratedRegex(@"AddProject<Projects\.Shop_(Commands|Projector|Queries)>\(""(\w+)"".*?;", RegexOptions.Singleline)]
    private static partial Regex Service();

    [GeneratedRegex(@"\.WithReference\((\w+)\)")]
    private static partial Regex Reference();

    [GeneratedRegex(@"StandIn\(""(\w+)"", (\d+)\)")]
    private static partial Regex StandIn();

    [GeneratedRegex(@"Map(?:Post)?\((?:\w+, )?""(/[^""]+)""")]
    private static partial Regex Route();

    [GeneratedRegex(@"WithHttpCommand\(""([^""]+)""")]
    private static partial Regex Button();
}
