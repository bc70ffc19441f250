using System.Globalization;
using System.Text.RegularExpressions;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Messaging;
using Shop.Tests.Architecture;

namespace Shop.Tests.Deploy;

/// <summary>The configuration reference of docs/operations.md against the keys that the code reads.</summary>
public sealed partial class ConfigurationReferenceTests(Overlays overlays) : IClassFixture<Overlays>
{
    private static readonly string[] projects = ["Shop.Commands", "Shop.Projector", "Shop.Queries", "Shop.ServiceDefaults"];

    private static readonly Dictionary<string, Type> aspireSettings = new()
    {
        ["Aspire:Npgsql"] = typeof(NpgsqlSettings),
        ["Aspire:MongoDB:Driver"] = typeof(MongoDBSettings),
        ["Aspire:Azure:Messaging:ServiceBus"] = typeof(AzureMessagingServiceBusSettings),
    };

    private static string Sources { get; } = string.Join('\n', projects.SelectMany(Repository.SourceFiles).Select(File.ReadAllText));

    [Fact]
    public void Every_key_of_the_code_is_documented_and_every_documented_key_is_in_the_code()
    {
        Assert.Equal(aspireSettings.Keys.Order(StringComparer.Ordinal), Found(AspireSection()).Order(StringComparer.Ordinal));
        var options = Options();
        string[] keys =
        [
            .. options.Keys,
            .. Found(ShopKey()).Where(key => !options.Keys.Any(option => option.StartsWith(key + ":", StringComparison.Ordinal))),
            .. Found(ConnectionName()).Select(name => $"ConnectionStrings:{name}"),
            .. Found(LooseKey()).Select(key => key == "HTTP_PORTS" ? "ASPNETCORE_HTTP_PORTS" : key),
            .. aspireSettings.SelectMany(section => section.Value.GetProperties()
                .Where(property => property.Name != nameof(AzureMessagingServiceBusSettings.Credential))
                .Select(property => $"{section.Key}:{property.Name}")),
        ];
        Assert.True(keys.Length > 15);
        Assert.Equal(keys.Distinct().Select(key => key.Replace(":", "__", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            Documented("Keys").Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Documented_defaults_are_the_defaults()
    {
        var documented = Documented("Keys");
        Assert.All(Options(), option => Assert.Equal($"`{option.Value}`", documented[option.Key.Replace(":", "__", StringComparison.Ordinal)]));
    }

    [Theory, MemberData(nameof(PolicyTests.Names), MemberType = typeof(PolicyTests))]
    public void Every_variable_that_a_service_is_given_is_documented(string overlay)
    {
        string[] documented = [.. Documented("Keys").Keys, .. Documented("Keys of the platform").Keys];
        Assert.All(Overlay.Services.Append("migrate"), service =>
            Assert.All(overlays[overlay].Pods[service].Spec.Containers[0].Env, variable => Assert.Contains(variable.Name, documented)));
    }

    /// <summary>Every option of a class with a section, with its default.</summary>
    private static Dictionary<string, string> Options()
    {
        var options = new Dictionary<string, string>();
        var assemblies = new[] { typeof(Shop.Commands.CommandsApp), typeof(Shop.Projector.ProjectorApp), typeof(Shop.Queries.QueriesApp), typeof(NpgsqlSettings) };
        foreach (var type in assemblies.SelectMany(one => one.Assembly.GetTypes()))
        {
            if (type.GetField("Section")?.GetRawConstantValue() is not string section || !section.StartsWith("Shop:", StringComparison.Ordinal)) continue;
            var instance = Activator.CreateInstance(type);
            foreach (var property in type.GetProperties())
                options[$"{section}:{property.Name}"] = Convert.ToString(property.GetValue(instance), CultureInfo.InvariantCulture) ?? "";
        }

        Assert.NotEmpty(options);
        return options;
    }

    /// <summary>First and third column (key, default) of the table below a heading.</summary>
    private static Dictionary<string, string> Documented(string heading) =>
        Repository.Read("docs/operations.md").Split("\n### ").Single(part => part.StartsWith(heading + "\n", StringComparison.Ordinal))
            .Split("\n## ")[0].Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .ToDictionary(cells => cells[1].Trim('`'), cells => cells[3]);

    private static string[] Found(Regex pattern) => [.. pattern.Matches(Sources).Select(match => match.Groups[1].Value).Distinct()];

    [GeneratedRegex("= \"(Aspire:[A-Za-z:]+)\"")]
    private static partial Regex AspireSection();

    [GeneratedRegex("\"(Shop:[A-Za-z:]+)\"")]
    private static partial Regex ShopKey();

    [GeneratedRegex("(?:GetConnectionString\\(|AddNpgsqlDataSource\\(|AddMongoDBClient\\(|AddAzureServiceBusClient\\(|ConnectionName = )\"(\\w+)\"")]
    private static partial Regex ConnectionName();

    [GeneratedRegex("[cC]onfiguration\\[\"([A-Za-z_]+)\"\\]")]
    private static partial Regex LooseKey();
}
