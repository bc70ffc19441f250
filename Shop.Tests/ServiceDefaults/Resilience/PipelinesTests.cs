using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Shop.Commands;
using Shop.Commands.Deciding;
using Shop.Local.Supervision;
using Shop.Projector;
using Shop.Queries;
using Shop.Queries.Consistency;
using Shop.ServiceDefaults.Resilience;
using Shop.Tests.Architecture;

namespace Shop.Tests.ServiceDefaults.Resilience;

public sealed partial class PipelinesTests
{
    private static readonly string[] services = ["Shop.ServiceDefaults", "Shop.Commands", "Shop.Projector", "Shop.Queries"];

    [Fact]
    public void Every_retry_pipeline_of_a_service_stands_in_the_one_list_with_its_reason()
    {
        var sources = services.SelectMany(Repository.SourceFiles).ToDictionary(file => file, File.ReadAllText);
        var used = sources.Values.SelectMany(source => PipelineName().Matches(source)).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(Pipelines.All.Select(pipeline => pipeline.Name).Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
        Assert.All(Pipelines.All, pipeline => Assert.True(pipeline.Guards.Length > 20));
        var building = sources.Where(source => source.Value.Contains("new ResiliencePipelineBuilder", StringComparison.Ordinal)).Select(source => Path.GetFileName(source.Key));
        Assert.Equal(["Pipelines.cs"], building);
    }

    [Fact]
    public void A_caller_waits_longer_than_whom_it_calls()
    {
        Assert.True(Pipelines.CommandBudget > CommandWriter.DoubtLimit);
        Assert.True(Pipelines.QueryBudget > TimeSpan.FromSeconds(SeenWait.MaxSeconds));
        Assert.All(Pipelines.Calls, call => Assert.True(call.CallerWaits > call.CalleeTakes, $"{call}"));
        Assert.True(Pipelines.HttpAttemptBudget > Pipelines.QueryBudget);
        Assert.True(Pipelines.HttpTotalBudget > 2 * Pipelines.HttpAttemptBudget);

        var http = new HttpStandardResilienceOptions();
        Pipelines.ConfigureHttp(http);
        Assert.Equal(Pipelines.HttpAttemptBudget, http.AttemptTimeout.Timeout);
        Assert.Equal(Pipelines.HttpTotalBudget, http.TotalRequestTimeout.Timeout);

        // The runner and the cluster ask for /health, and both wait for a service that stops.
        Assert.True(Probes.Patience > Pipelines.HealthBudget);
        Assert.True(Pipelines.ProbeBudget > Pipelines.HealthBudget);
        Assert.True(ShopPlan.ServiceGrace > Pipelines.ShutdownBudget);
    }

    [Fact]
    public void Every_call_between_services_stands_in_the_one_list()
    {
        var inCode = services.SelectMany(project => Repository.SourceFiles(project)
            .SelectMany(file => ServiceAddress().Matches(File.ReadAllText(file)).Select(match => (project[5..].ToLowerInvariant(), match.Groups[1].Value)))).Distinct().ToArray();
        Assert.Contains(("projector", "commands"), inCode);
        Assert.Equal([], inCode.Except(Pipelines.Calls.Select(call => (call.Caller, call.Callee))));
    }

    [Fact]
    public async Task Each_callee_keeps_to_its_budget()
    {
        await using var commands = CommandsApp.Build(["--urls=http://127.0.0.1:0", "--Shop:AdminUrl=http://127.0.0.1:0", "--Shop:AdminKey=a-key-for-tests-only", "--ConnectionStrings:shopdb=Host=nowhere", "--ConnectionStrings:messaging=nowhere.example"]);
        await using var projector = ProjectorApp.Build(["--ConnectionStrings:readdb=mongodb://nowhere/shop", "--ConnectionStrings:messaging=nowhere.example"]);
        await using var queries = QueriesApp.Build(["--ConnectionStrings:readdb=mongodb://nowhere/shop"]);
        var snapshot = ((IEndpointRouteBuilder)commands).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(route => route.RoutePattern.RawText?.StartsWith("/snapshot", StringComparison.Ordinal) == true).ToArray();
        Assert.Equal(7, snapshot.Length);
        Assert.All(snapshot, route => Assert.Equal(Pipelines.SnapshotBudget, route.Metadata.GetMetadata<RequestTimeoutPolicy>()?.Timeout));

        // Without a time-out are those that only look at what this process knows.
        string[] instant = ["self", "writers", "dead-letters"];
        var checks = new[] { commands, projector, queries }
            .SelectMany(app => app.Services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations).ToArray();
        Assert.True(checks.Length > 8);
        Assert.All(checks.Where(check => !instant.Contains(check.Name)), check => Assert.InRange(check.Timeout, TimeSpan.FromTicks(1), Pipelines.HealthBudget));
    }

    [GeneratedRegex("https?://(?:_\\w+\\.)?(commands|projector|queries)\\b")]
    private static partial Regex ServiceAddress();

    [GeneratedRegex("Pipelines\\.Forever\\(\\s*\"([^\"]+)\"")]
    private static partial Regex PipelineName();
}
