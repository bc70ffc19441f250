using System.Reflection;
using Shop.ServiceDefaults.Reliability;
using Shop.Tests.Architecture;

namespace Shop.Tests.Chaos;

public sealed class CrashPointTests
{
    private static readonly Dictionary<string, string> fields = typeof(CrashPoint).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral)
        .ToDictionary(field => field.Name, field => (string)field.GetRawConstantValue()!);

    [Fact]
    public void Every_crash_point_is_reached_by_the_code_of_a_service()
    {
        var code = string.Concat(new[] { "Shop.Commands", "Shop.Projector" }.SelectMany(Repository.SourceFiles).Select(File.ReadAllText));
        var points = fields.Where(field => CrashPoint.All.Contains(field.Value)).ToList();
        Assert.Equal(CrashPoint.All.Count, points.Count);
        Assert.All(points, point => Assert.Contains($"CrashPoint.Reached(CrashPoint.{point.Key});", code, StringComparison.Ordinal));
    }

    [Fact]
    public void Without_the_harness_a_crash_point_is_inert()
    {
        Assert.Null(Environment.GetEnvironmentVariable(CrashPoint.Variable));
        Assert.False(CrashPoint.IsArmed);
        // This process goes on.
        foreach (var point in CrashPoint.All) CrashPoint.Reached(point);
    }

    [Fact]
    public void Nothing_but_the_harness_arms_crash_points()
    {
        string[] elsewhere = ["Shop.Local", "Shop.Commands", "Shop.Projector", "Shop.Queries", "Shop.AppHost"];
        Assert.All(elsewhere.SelectMany(Repository.SourceFiles), file => Assert.DoesNotContain(CrashPoint.Variable, File.ReadAllText(file), StringComparison.Ordinal));
        Assert.All(Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy"), "*.yaml", SearchOption.AllDirectories),
            file => Assert.DoesNotContain(CrashPoint.Variable, File.ReadAllText(file), StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_built_for_use_does_not_contain_the_seeded_bugs()
    {
        Assert.Null(typeof(CrashPoint).Assembly.GetType("Shop.ServiceDefaults.Reliability.SeededBug"));
        Assert.Null(typeof(Shop.Projector.ProjectorApp).Assembly.GetType("Shop.Projector.Projection.SeededProjectionBugs"));
        // Only one configuration defines them, and nothing that is shipped is built in it.
        Assert.Contains("'$(Configuration)' == 'Chaos'", Repository.Read("Directory.Build.props"), StringComparison.Ordinal);
        Assert.DoesNotContain("Chaos|", Repository.Read("Shop.sln"), StringComparison.Ordinal);
        Assert.All(Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy"), "*", SearchOption.AllDirectories),
            file => Assert.DoesNotContain("Chaos", File.ReadAllText(file), StringComparison.Ordinal));
    }
}
