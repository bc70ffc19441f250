using System.CommandLine;
using Shop.Local.Postgres;
using Shop.Local.Supervision;
using Shop.Local.TestRuns;

namespace Shop.Local.Verbs;

/// <summary>Builds and runs the whole test suite, and says at the end what passed, failed and was skipped, and why.</summary>
internal static class TestVerb
{
    public static Command Create()
    {
        var strict = new Option<bool>("--strict-skips") { Description = "Fail on skips that Shop.Tests/allowed-skips.txt does not name." };
        var yes = ShopOptions.Yes();
        var command = new Command("test", "Run all tests.") { strict, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await PostgresInstaller.EnsureAsync(parsed.GetValue(yes), cancellationToken);
            return await RunAsync(parsed.GetValue(strict), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(bool strict, CancellationToken cancellationToken)
    {
        var root = RepositoryRoot.Find();
        var configuration = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar)).Parent!.Name;
        var build = await DotnetProgram.RunAsync(root, ["build", "Shop.sln", "--configuration", configuration, "--nologo", "--verbosity", "quiet"], cancellationToken);
        if (build != 0) throw new LocalRunException("The solution does not build.");

        var report = Path.Combine(Directory.CreateDirectory(Path.Combine(root, "TestResults")).FullName, "shop.xml");
        File.Delete(report);
        var exitCode = await DotnetProgram.RunAsync(root, [ServicePrograms.Find("Shop.Tests"), "-xml", report], cancellationToken);
        if (!File.Exists(report)) throw new LocalRunException($"The tests ended with exit code {exitCode} and without a report.");

        var result = TestReport.Read(report);
        var unexpected = strict ? result.SkipsNotIn(AllowedSkips.Read(Path.Combine(root, "Shop.Tests", "allowed-skips.txt"))) : [];
        Write(result, unexpected);
        return exitCode == 0 && result.Failed.Count == 0 && unexpected.Count == 0 ? ShopCommandLine.Done : ShopCommandLine.Failed;
    }

    private static void Write(TestReport result, IReadOnlyList<SkippedTest> unexpected)
    {
        Console.WriteLine();
        foreach (var failed in result.Failed)
        {
            Console.WriteLine($"FAILED   {failed.Name}");
            foreach (var line in failed.Why.Split('\n', StringSplitOptions.RemoveEmptyEntries)) Console.WriteLine($"         {line.TrimEnd()}");
        }

        foreach (var skipped in result.Skipped) Console.WriteLine($"skipped  {skipped.Name}: {skipped.Reason}");
        foreach (var skipped in unexpected) Console.WriteLine($"NOT ALLOWED TO SKIP  {skipped.Name}: {skipped.Reason}");
        Console.WriteLine($"{result.Passed} passed, {result.Failed.Count} failed, {result.Skipped.Count} skipped");
    }
}
