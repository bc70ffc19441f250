using System.Globalization;
using System.Xml.Linq;

namespace Shop.Local.TestRuns;

internal sealed record SkippedTest(string Name, string Reason);

/// <summary>What failed and why: the exception's message and where it came from; empty when the report says nothing.</summary>
internal sealed record FailedTest(string Name, string Why);

/// <summary>What a test run's report (xUnit.net v2+ XML) says.</summary>
internal sealed record TestReport(int Passed, IReadOnlyList<FailedTest> Failed, IReadOnlyList<SkippedTest> Skipped)
{
    public static TestReport Read(string path)
    {
        var document = XDocument.Load(path);
        var tests = document.Descendants("test").ToList();
        var errors = document.Descendants("error").Select(error =>
            new FailedTest($"{error.Attribute("type")?.Value} {error.Attribute("name")?.Value}".Trim(), Why(error)));
        return new TestReport(
            tests.Count(test => Result(test) == "Pass"),
            [.. tests.Where(test => Result(test) == "Fail").Select(test => new FailedTest(Name(test), Why(test))), .. errors],
            [.. tests.Where(test => Result(test) == "Skip").Select(test => new SkippedTest(Name(test), (test.Element("reason")?.Value ?? "no reason given").Trim()))]);
    }

    public IReadOnlyList<SkippedTest> SkipsNotIn(IReadOnlyList<string> allowedPrefixes) =>
        [.. Skipped.Where(skipped => !allowedPrefixes.Any(prefix => skipped.Reason.StartsWith(prefix, ignoreCase: true, CultureInfo.InvariantCulture)))];

    private static string Result(XElement test) => test.Attribute("result")?.Value ?? "";

    private static string Why(XElement test) => test.Element("failure") is { } failure
        ? $"{failure.Element("message")?.Value.Trim()}\n{failure.Element("stack-trace")?.Value.TrimEnd()}".Trim('\n')
        : "";

    private static string Name(XElement test) => test.Attribute("name")?.Value ?? "";
}
