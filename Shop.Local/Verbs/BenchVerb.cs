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
        var rabbitMq = new Option<bool>("--with-rabbitmq") { Description = "Measure RabbitMQ beside the local broker (bus); it must be installed." };
        var quick = new Option<bool>("--quick") { Hidden = true };
        var yes = ShopOptions.Yes();
        var command = new Command("bench", "Measure how fast the shop is, beside references measured in the same run.") { which, json, rabbitMq, quick, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await PostgresInstaller.EnsureAsync(parsed.GetValue(yes), cancellationToken);
            // Full: the program starts elsewhere.
            string[] file = parsed.GetValue(json) is { } path ? ["--json", Path.GetFullPath(path)] : [];
            return await RunAsync([parsed.GetValue(which)!, .. file, .. Flag(parsed.GetValue(rabbitMq), "--with-rabbitmq"), .. Flag(parsed.GetValue(quick), "--quick")], cancellationToken);
        });
        return command;
    }

    private static string[] Flag(bool isSet, string name) => isSet ? [name] : [];

    private static async Task<int> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var root = RepositoryRoot.Find();
        var build = await DotnetProgram.RunAsync(root, ["build", "Shop.Bench", "--configuration", Configuration, "--nologo", "--verbosity", "quiet"], cancellationToken);
        if (build != 0) throw new LocalRunException("Shop.Bench does not build.");
        return await DotnetProgram.RunAsync(root, [ServicePrograms.Find("Shop.Bench", Configuration), .. arguments], cancellationToken);
    }
}
