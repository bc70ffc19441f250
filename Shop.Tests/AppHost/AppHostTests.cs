using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using k8s.Models;
using Shop.Commands.Intake;
using Shop.Commands.Outbox;
using Shop.Local.Supervision;
using Shop.Projector.Hosting;
using Shop.Tests.Architecture;
using Shop.Tests.Deploy;

namespace Shop.Tests.AppHost;

/// <summary>
/// The picture of the system (Shop.AppHost, read as text, because its packages are not on every feed), the local runner and the manifests
/// say the same.
/// </summary>
public sealed partial class AppHostTests(Overlays overlays) : IClassFixture<Overlays>
{
    private static readonly string picture = Repository.Read("Shop.AppHost/AppHost.cs");
    private static readonly string standIns = Repository.Read("Shop.AppHost/StandIns.cs");
    private static readonly Dictionary<string, string> services = Service().Matches(picture).ToDictionary(match => match.Groups[1].Value, match => match.Value);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_service_has_one_name_and_is_given_the_same_connections_by_the_app_host_the_local_runner_and_the_manifests()
    {
        using var directory = await ShopDirectory.OpenAsync(null, true, Cancellation);
        var plan = new ShopPlan(new LocalShopOptions { Postgres = "Host=anywhere" }, new ShopPorts(ShopPorts.DefaultBase), directory);
        PartPlan[] parts = [plan.Commands(), plan.Projector(), plan.Queries()];
        Assert.Equal(Overlay.Services, services.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(Overlay.Services, parts.Select(part => part.Command.Environment["OTEL_SERVICE_NAME"]).Order(StringComparer.Ordinal));
        foreach (var part in parts)
        {
            var name = part.Command.Environment["OTEL_SERVICE_NAME"];
            Assert.Contains($"AddProject<Projects.{PartNames.Of(part.Part).Replace('.', '_')}>(\"{name}\"", services[name], StringComparison.Ordinal);
            var pictured = Reference().Matches(services[name]).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal).ToArray();
            Assert.Equal(pictured, Given(part.Command.Environment.Keys));
            foreach (var overlay in PolicyTests.Names.Select(row => row.Data))
            {
                var container = Assert.Single(overlays[overlay].Pods[name].Spec.Containers);
                Assert.Equal(name, container.Env.Single(variable => variable.Name == "OTEL_SERVICE_NAME").Value);
                Assert.Equal(pictured, Given(container.Env.Select(variable => variable.Name)));
            }
        }

        static string[] Given(IEnumerable<string> variables) =>
            [.. variables.Select(key => key.Split("__")).Where(key => key[0] is "ConnectionStrings" or "services").Select(key => key[1]).Distinct().Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void The_app_host_runs_as_many_of_each_as_production_at_its_least_and_a_throw_away_cluster_as_many_as_the_local_runner()
    {
        foreach (var service in Overlay.Services)
        {
            var pictured = int.Parse(Replicas().Match(services[service]).Groups[1].Value, CultureInfo.InvariantCulture);
            Assert.Equal(Manifest($"{service}.yaml"), pictured);
            Assert.Equal(pictured, Least(overlays["azure"], service));
            // The local runner has one process of each part.
            Assert.Equal(1, overlays["dev"].One<V1Deployment>(service).Spec.Replicas);
        }

        static int Manifest(string file) => int.Parse(ManifestReplicas().Match(Repository.Read($"deploy/kubernetes/base/{file}")).Groups[1].Value, CultureInfo.InvariantCulture);

        static int? Least(Overlay azure, string service) => service == "projector"
            ? azure.One<ScaledObject>(service).Spec.MinReplicaCount
            : azure.One<V2HorizontalPodAutoscaler>(service).Spec.MinReplicas;
    }

    [Fact]
    public void Ports_are_the_same_in_the_app_host_the_local_runner_the_image_and_the_manifests()
    {
        var ports = new ShopPorts(ShopPorts.DefaultBase);
        foreach (var (service, port) in new[] { ("commands", ports.Commands), ("projector", ports.Projector), ("queries", ports.Queries) })
        {
            // The AppHost takes it from the profile, the runner from its base.
            Assert.Contains("launchProfileName: \"http\"", services[service], StringComparison.Ordinal);
            var project = $"Shop.{CultureInfo.InvariantCulture.TextInfo.ToTitleCase(service)}";
            using var profile = JsonDocument.Parse(Repository.Read($"{project}/Properties/launchSettings.json"));
            Assert.Equal($"http://localhost:{port}", profile.RootElement.GetProperty("profiles").GetProperty("http").GetProperty("applicationUrl").GetString());
        }

        var image = XDocument.Load(Path.Combine(Repository.Root, "deploy/Container.props")).Descendants("ContainerPort").Single().Attribute("Include")!.Value;
        Assert.Contains($"EXPOSE {image}\n", Repository.Read("deploy/Dockerfile"), StringComparison.Ordinal);
        foreach (var service in Overlay.Services)
        {
            var container = overlays["azure"].Pods[service].Spec.Containers[0];
            Assert.Equal(image, container.Env.Single(variable => variable.Name == "ASPNETCORE_HTTP_PORTS").Value);
            Assert.Equal(image, $"{container.Ports.Single(one => one.Name == "http").ContainerPort}");
            // Administration is a port of its own everywhere, for the same services.
            Assert.Equal(services[service].Contains("WithAdministration", StringComparison.Ordinal), container.Ports.Any(one => one.Name == "admin"));
        }
    }

    [Fact]
    public void The_stand_ins_listen_where_the_local_runner_puts_them()
    {
        var ports = new ShopPorts(ShopPorts.DefaultBase);
        Assert.Contains($"PostgresPort = \"{ports.Postgres}\", StorePort = \"{ports.Store}\", BrokerPort = \"{ports.Broker}\";", standIns, StringComparison.Ordinal);
        var verbs = StandIn().Matches(standIns).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        Assert.Equal(new Dictionary<string, string> { ["postgres"] = "PostgresPort", ["mongo"] = "StorePort", ["servicebus"] = "BrokerPort" }, verbs);
        Assert.Contains("Host=127.0.0.1;Port={PostgresPort};", standIns, StringComparison.Ordinal);
        Assert.Contains("mongodb://127.0.0.1:{StorePort}/", standIns, StringComparison.Ordinal);
        Assert.Contains("Endpoint=sb://127.0.0.1:{BrokerPort};", standIns, StringComparison.Ordinal);
        var commandLine = Repository.Read("Shop.Local/Program.cs") + string.Concat(Repository.SourceFiles("Shop.Local/Verbs").Select(File.ReadAllText));
        Assert.All(verbs.Keys, verb => Assert.Contains($"\"{verb}\"", commandLine, StringComparison.Ordinal));
    }

    [Fact]
    public void Topic_subscription_databases_and_probes_are_those_of_the_services()
    {
        Assert.Equal(OutboxRelay.Topic, ProjectorSubscription.Topic);
        Assert.Contains($"AddServiceBusTopic(\"{ProjectorSubscription.Topic}\")", picture, StringComparison.Ordinal);
        Assert.Contains($"subscriptionName: \"{ProjectorSubscription.Name}\"", picture, StringComparison.Ordinal);
        var subscription = Shop.Local.ServiceBus.BrokerEntities.Shop.Topics.Single().Subscriptions.Single().Properties;
        Assert.Contains($"= ({subscription.MaxDeliveryCount}, TimeSpan.FromSeconds({subscription.LockDuration.TotalSeconds}))", picture, StringComparison.Ordinal);
        Assert.Contains("AddDatabase(\"shopdb\", databaseName: \"shop\")", picture, StringComparison.Ordinal);
        Assert.Contains("AddDatabase(\"readdb\", databaseName: \"shop\")", picture, StringComparison.Ordinal);

        var probes = Probe().Matches(picture).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        var health = Repository.Read("Shop.ServiceDefaults/Health/HealthEndpoints.cs");
        Assert.Equal(["Liveness", "Readiness"], probes.Keys.Order(StringComparer.Ordinal));
        Assert.All(probes.Values, path => Assert.Contains($"MapHealthChecks(\"{path}\"", health, StringComparison.Ordinal));
        Assert.Contains(probes["Readiness"], Repository.Read("Shop.Local/Supervision/Probes.cs"), StringComparison.Ordinal);
        foreach (var service in Overlay.Services)
        {
            var container = overlays["azure"].Pods[service].Spec.Containers[0];
            Assert.Equal((probes["Readiness"], probes["Liveness"]), (container.ReadinessProbe.HttpGet.Path, container.LivenessProbe.HttpGet.Path));
        }
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
    public void The_picture_stays_one_screen_or_two() => Assert.InRange(picture.Count(character => character == '\n'), 1, 62);

    [GeneratedRegex(@"AddProject<Projects\.Shop_\w+>\(""(\w+)"".*?;", RegexOptions.Singleline)]
    private static partial Regex Service();

    [GeneratedRegex(@"\.WithReference\((\w+)\)")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\.WithReplicas\((\d+)\)")]
    private static partial Regex Replicas();

    [GeneratedRegex(@"(?m)^  replicas: (\d+)$")]
    private static partial Regex ManifestReplicas();

    [GeneratedRegex(@"StandIn\(builder, ""(\w+)"", (\w+)\)")]
    private static partial Regex StandIn();

    [GeneratedRegex(@"WithHttpProbe\(ProbeType\.(\w+), ""([^""]+)""\)")]
    private static partial Regex Probe();

    [GeneratedRegex(@"Map(?:Post)?\((?:\w+, )?""(/[^""]+)""")]
    private static partial Regex Route();

    [GeneratedRegex(@"WithHttpCommand\(""([^""]+)""")]
    private static partial Regex Button();
}
