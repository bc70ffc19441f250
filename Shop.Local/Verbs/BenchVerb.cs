using System.CommandLine;
using Shop.Local.Postgres;
using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>Builds the benchmarks in Release and runs them: a program of their own, which uses the runner and not the other way round.</summary>
internal static class BenchVerb
{
    private const string Configuration = "Release";

    public static Command Create()
    {
        var which = new Argument<string>("WHICH") { Description = "Which benchmark (an unknown name lists them), or all." };
        var json = new Option<string?>("--json") { Description = "Also write machine, versions and results to this file.", HelpName = "FILE" };
        var quick = new Option<bool>("--quick") { Hidden = true };
        var yes = ShopOptions.Yes();
        var command = new Command("bench", "Measure how fast the shop is, beside references measured in the same run.") { which, json, quick, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await PostgresInstaller.EnsureAsync(parsed.GetValue(yes), cancellationToken);
            // Full: the program starts elsewhere.
            string[] file = parsed.GetValue(json) is { } path ? ["--json", Path.GetFullPath(path)] : [];
            return await RunAsync([parsed.GetValue(which)!, .. file, .. parsed.GetValue(quick) ? ["--quick"] : Array.Empty<string>()], cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var root = RepositoryRoot.Find();
        var build = await DotnetProgram.RunAsync(root, ["build", "Shop.Bench", "--configuration", Configuration, "--nologo", "--verbosity", "quiet"], cancellationToken);
        if (build != 0) throw new LocalRunException("Shop.Bench does not build.");
        return await DotnetProgram.RunAsync(root, [ServicePrograms.Find("Shop.Bench", Configuration), .. arguments], cancellationToken);
    }
}
