using System.Text.RegularExpressions;
using Microsoft.Extensions.Http.Resilience;
using Shop.Commands.Deciding;
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
        Assert.True(Pipelines.CommandBudget > ShardWriter.DoubtLimit);
        Assert.True(Pipelines.QueryBudget > TimeSpan.FromSeconds(SeenWait.MaxSeconds));
        Assert.True(Pipelines.HttpAttemptBudget > Pipelines.CommandBudget);
        Assert.True(Pipelines.HttpAttemptBudget > Pipelines.QueryBudget);
        Assert.True(Pipelines.HttpTotalBudget > 2 * Pipelines.HttpAttemptBudget);

        var http = new HttpStandardResilienceOptions();
        Pipelines.ConfigureHttp(http);
        Assert.Equal(Pipelines.HttpAttemptBudget, http.AttemptTimeout.Timeout);
        Assert.Equal(Pipelines.HttpTotalBudget, http.TotalRequestTimeout.Timeout);
    }

    [GeneratedRegex("Pipelines\\.Forever\\(\\s*\"([^\"]+)\"")]
    private static partial Regex PipelineName();
}
