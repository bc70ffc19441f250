using System.Reflection;
using System.Text.RegularExpressions;

namespace Shop.Tests.Architecture;

public sealed partial class ClaimsTests
{
    [Fact]
    public void Every_test_named_in_the_claims_exists()
    {
        var tests = typeof(ClaimsTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance))
            .Where(method => method.GetCustomAttributes().Any(attribute => attribute is FactAttribute))
            .Select(method => method.Name).ToHashSet(StringComparer.Ordinal);
        var named = TestName().Matches(Repository.Read("docs/claims.md")).Select(match => match.Groups[1].Value).Distinct().ToArray();
        Assert.True(named.Length > 20, "docs/claims.md names hardly any test.");
        Assert.Equal([], named.Except(tests, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_claim_has_its_evidence_or_says_why_not()
    {
        var rows = Repository.Read("docs/claims.md").Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| claim", StringComparison.Ordinal)
            && !line.StartsWith("| ---", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Matches(@"^\| .+ \| (.*`.+`.*|not done: .+) \|$", row));
    }

    // A test's name in backticks: words joined by underscores.
    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){2,})`")]
    private static partial Regex TestName();
}
