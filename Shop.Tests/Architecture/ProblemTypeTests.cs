using System.Text.RegularExpressions;

namespace Shop.Tests.Architecture;

/// <summary>Clients rely on problem types: each is written down, and none is written down that nothing answers.</summary>
public sealed partial class ProblemTypeTests
{
    private static readonly string[] services = ["Shop.Commands", "Shop.Projector", "Shop.Queries", "Shop.ServiceDefaults"];

    [Fact]
    public void Every_problem_type_in_the_code_is_listed_in_errors_md_and_no_other()
    {
        var documented = Documented().Matches(Repository.Read("docs/errors.md")).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        var sources = services.SelectMany(Repository.SourceFiles).Select(File.ReadAllText).ToArray();
        var used = sources.SelectMany(source => Named().Matches(source)).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        // One name is put together: the read side's answer to an id it does not have.
        var kinds = sources.SelectMany(source => NotFoundKind().Matches(source)).Select(match => $"unknown-{match.Groups[1].Value}").ToHashSet(StringComparer.Ordinal);
        Assert.NotEmpty(kinds);
        used.UnionWith(kinds);
        used.UnionWith(Rule().Matches(Repository.Read("Shop.Commands/Deciding/Refusals.cs")).Select(match => match.Groups[1].Value));
        used.UnionWith(FrameworkName().Matches(Repository.Read("Shop.ServiceDefaults/Http/ProblemTypes.cs")).Select(match => match.Groups[1].Value));

        Assert.True(used.Count >= 20, string.Join(' ', used));
        Assert.Equal(documented.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void There_is_one_prefix_and_one_place_that_knows_it() =>
        Assert.Single(services.SelectMany(Repository.SourceFiles), file => File.ReadAllText(file).Contains("urn:shop:", StringComparison.Ordinal));

    [GeneratedRegex("`urn:shop:problem:([a-z-]+)`")]
    private static partial Regex Documented();

    [GeneratedRegex(@"ProblemTypes\.Of\(""([a-z-]+)""\)")]
    private static partial Regex Named();

    [GeneratedRegex(@"Problems\.NotFound\(""([a-z]+)""")]
    private static partial Regex NotFoundKind();

    [GeneratedRegex(@"(?:new\(4\d\d, |Rule\()""([a-z-]+)""")]
    private static partial Regex Rule();

    [GeneratedRegex(@"=> ""([a-z-]+)"",")]
    private static partial Regex FrameworkName();
}
