using Shop.Local.TestRuns;

namespace Shop.Tests.Local;

public sealed class TestReportTests
{
    [Fact]
    public async Task A_failure_is_told_with_its_message_and_place()
    {
        using var directory = new TemporaryDirectory();
        var report = Path.Combine(directory.Path, "report.xml");
        await File.WriteAllTextAsync(report, """
            <assemblies><assembly><errors><error type="assembly-cleanup" name="X"><failure><message>gone</message></failure></error></errors><collection>
              <test name="A" result="Fail"><failure exception-type="E"><message><![CDATA[Waited in vain]]></message><stack-trace><![CDATA[   at A()
               at B()]]></stack-trace></failure></test>
            </collection></assembly></assemblies>
            """, TestContext.Current.CancellationToken);
        var result = TestReport.Read(report);
        Assert.Equal([new("A", "Waited in vain\n   at A()\n   at B()"), new("assembly-cleanup X", "gone")], result.Failed);
    }

    [Fact]
    public async Task Only_skips_with_an_allowed_reason_are_allowed()
    {
        using var directory = new TemporaryDirectory();
        var (report, allowed) = (Path.Combine(directory.Path, "report.xml"), Path.Combine(directory.Path, "allowed.txt"));
        await File.WriteAllTextAsync(report, """
            <assemblies><assembly><collection>
              <test name="A" result="Pass"/><test name="B" result="Fail"/>
              <test name="C" result="Skip"><reason>Node is not installed: no judge</reason></test>
              <test name="D" result="Skip"><reason>did not feel like it</reason></test>
            </collection></assembly></assemblies>
            """, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(allowed, "# comment\nNode is not installed\tnot everyone has it\n", TestContext.Current.CancellationToken);

        var result = TestReport.Read(report);
        Assert.Equal((1, 1, 2), (result.Passed, result.Failed.Count, result.Skipped.Count));
        Assert.Equal("D", Assert.Single(result.SkipsNotIn(AllowedSkips.Read(allowed))).Name);
    }
}
