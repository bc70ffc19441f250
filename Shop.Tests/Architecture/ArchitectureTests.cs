using System.Text.RegularExpressions;

namespace Shop.Tests.Architecture;

public sealed partial class ArchitectureTests
{
    public static readonly TheoryData<string> Services = ["Shop.Commands", "Shop.Projector", "Shop.Queries"];

    [Theory, MemberData(nameof(Services))]
    public void A_service_references_contracts_and_service_defaults_and_nothing_else_of_ours(string service) =>
        Assert.Equal(["Shop.Contracts", "Shop.ServiceDefaults"], Repository.ProjectReferences(service).Order(StringComparer.Ordinal));

    [Fact]
    public void Contracts_reference_nothing()
    {
        Assert.Empty(Repository.ProjectReferences("Shop.Contracts"));
        Assert.Empty(Repository.PackageReferences("Shop.Contracts"));
        Assert.NotEmpty(Repository.SourceFiles("Shop.Contracts"));
    }

    [Theory, MemberData(nameof(Services))]
    public void A_service_does_not_know_what_is_behind_a_connection_string(string service)
    {
        var files = Repository.SourceFiles(service);
        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.DoesNotContain("Shop.Local", File.ReadAllText(file), StringComparison.Ordinal));
    }

    [Fact]
    public void Decisions_are_pure()
    {
        var decisions = new[] { "Orders", "Customers", "Products" }.SelectMany(feature => Repository.SourceFiles($"Shop.Commands/{feature}"))
            .Append(Path.Combine(Repository.Root, "Shop.Commands/Deciding/GroupDecision.cs")).ToArray();
        Assert.True(decisions.Length >= 6);
        Assert.All(decisions, file => Assert.DoesNotMatch(Impure(), File.ReadAllText(file)));
    }

    [Fact]
    public void Only_one_folder_knows_amqp()
    {
        var knowing = new[] { "Shop.Contracts", "Shop.Commands", "Shop.Projector", "Shop.Queries", "Shop.ServiceDefaults" }
            .SelectMany(Repository.SourceFiles).Where(file => UsesAmqp().IsMatch(File.ReadAllText(file))).ToArray();
        Assert.NotEmpty(knowing);
        Assert.All(knowing, file => Assert.Contains("/Shop.ServiceDefaults/Messaging/", file, StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_references_aspire_but_the_app_host()
    {
        string[] projects = ["Shop.ServiceDefaults", "Shop.Contracts", "Shop.Commands", "Shop.Projector", "Shop.Queries", "Shop.Local", "Shop.Bench", "Shop.Tests"];
        Assert.All(projects, project => Assert.DoesNotContain(Repository.PackageReferences(project),
            package => package.StartsWith("Aspire.", StringComparison.Ordinal) || package == "Azure.Messaging.ServiceBus"));
    }

    [Fact]
    public void The_solution_builds_the_app_host_only_in_the_configuration_aspire()
    {
        var solution = Repository.Read("Shop.sln");
        var id = AppHostId().Match(solution).Groups[1].Value;
        Assert.NotEmpty(id);
        Assert.Contains($"{{{id}}}.Aspire|Any CPU.Build.0", solution, StringComparison.Ordinal);
        Assert.Contains($"{{{id}}}.Debug|Any CPU.ActiveCfg", solution, StringComparison.Ordinal);
        Assert.DoesNotContain($"{{{id}}}.Debug|Any CPU.Build.0", solution, StringComparison.Ordinal);
        Assert.DoesNotContain($"{{{id}}}.Release|Any CPU.Build.0", solution, StringComparison.Ordinal);
        Assert.Contains("Shop.AppHost", Repository.Read(".github/workflows/ci.yml"), StringComparison.Ordinal);
    }

    [Fact]
    public void Stand_ins_stay_small()
    {
        foreach (var standIn in new[] { "Shop.Local/ServiceBus", "Shop.Local/Mongo" })
            Assert.InRange(Repository.SourceFiles(standIn).Sum(file => File.ReadLines(file).Count()), 1, 5_000);
    }

    [GeneratedRegex(@"TimeProvider|DateTime\w*\.(Utc)?Now|Npgsql|HttpClient|ILogger|IServiceProvider|\basync\b|Guid\.(NewGuid|CreateVersion7)|Random")]
    private static partial Regex Impure();

    [GeneratedRegex(@"^using Amqp", RegexOptions.Multiline)]
    private static partial Regex UsesAmqp();

    [GeneratedRegex("\"Shop\\.AppHost\", \"[^\"]+\", \"\\{([^}]+)\\}\"")]
    private static partial Regex AppHostId();
}
