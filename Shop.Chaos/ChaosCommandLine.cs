using System.CommandLine;
using System.CommandLine.Help;
using System.Runtime.InteropServices;
using Shop.Chaos.Report;
using Shop.Chaos.Schedule;
using Shop.Local;

namespace Shop.Chaos;

/// <summary><c>./shop chaos</c>: 0 when every check passed, 1 when something was found, 2 when the command line was not understood.</summary>
internal static class ChaosCommandLine
{
    public static async Task<int> RunAsync(string[] args)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var parsed = Root().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors) await Console.Error.WriteLineAsync(error.Message);
            return 2;
        }

        try
        {
            return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stop.Token);
        }
        catch (LocalRunException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 1;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 130;
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static Command Root()
    {
        var seed = new Option<int?>("--seed") { Description = "The schedule's only source; a fresh one, printed, when it is not given." };
        var minutes = new Option<double>("--minutes") { Description = "How long faults are injected.", DefaultValueFactory = _ => 2 };
        var rate = new Option<double>("--orders-per-second") { Description = "How many orders the clients try to place.", DefaultValueFactory = _ => 20 };
        var faults = new Option<string>("--faults")
        {
            Description = $"Which kinds, with commas between: {string.Join(',', Enum.GetNames<FaultKind>().Select(name => name.ToLowerInvariant()))}. All when it is not given.",
        };
        var report = new Option<string>("--report") { Description = "A JSON file to which the run's numbers are added." };
        var keep = new Option<bool>("--keep") { Description = "Keep data, logs and history although nothing was found." };
        var selfCheck = new Option<bool>("--self-check") { Description = "Check the checks: known bugs, switched on one at a time, must each be found within three minutes." };
        var bug = new Option<string>("--bug") { Description = "With --self-check: this bug only, or none: the round without one." };
        var print = new Option<bool>("--print-schedule") { Description = "Print the schedule and do nothing." };
        var command = new Command("chaos", "Run a shop of its own under faults that only the seed decides, and check its whole history.")
        {
            new HelpOption(), seed, minutes, rate, faults, report, keep, print, selfCheck, bug,
        };
        command.SetAction((parsed, cancellationToken) => parsed.GetValue(selfCheck)
            ? CheckTheChecksAsync(parsed.GetValue(seed) ?? 1, parsed.GetValue(rate), parsed.GetValue(bug), cancellationToken)
            : RunAsync(new ChaosOptions(
                parsed.GetValue(seed) ?? Random.Shared.Next(1, 1_000_000), TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(rate),
                Kinds(parsed.GetValue(faults)), parsed.GetValue(report), parsed.GetValue(keep)),
                parsed.GetValue(print), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ChaosOptions options, bool printOnly, CancellationToken cancellationToken)
    {
        if (printOnly)
        {
            foreach (var fault in FaultSchedule.Create(options.Seed, options.Length, options.Faults)) Console.WriteLine(fault);
            return 0;
        }

        var result = await new ChaosRun(options, TimeProvider.System).RunAsync(cancellationToken);
        ResultWriter.Write(result, Console.Out);
        if (options.Report is { } path) await RunNumbers.AddAsync(path, RunNumbers.Of(result), cancellationToken);
        if (result.Violations.Count == 0 && !options.Keep) Directory.Delete(result.Directory, recursive: true);
        return result.Violations.Count == 0 ? 0 : 1;
    }

#if SEEDED_BUGS
    private static async Task<int> CheckTheChecksAsync(int seed, double ordersPerSecond, string? only, CancellationToken cancellationToken) =>
        await new SelfCheck.BugHunt(TimeProvider.System).RunAsync(seed, ordersPerSecond, only, cancellationToken) ? 0 : 1;
#else
    private static Task<int> CheckTheChecksAsync(int seed, double ordersPerSecond, string? only, CancellationToken cancellationToken) =>
        throw new LocalRunException($"The seeded bugs are not in this build ({seed}, {ordersPerSecond}, {only}, {cancellationToken.IsCancellationRequested}): ./shop chaos --self-check builds one that has them.");
#endif

    private static HashSet<FaultKind> Kinds(string? given)
    {
        if (string.IsNullOrWhiteSpace(given)) return [.. Enum.GetValues<FaultKind>()];
        return [.. given.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Kind)];

        static FaultKind Kind(string name) =>
            Enum.TryParse<FaultKind>(name, ignoreCase: true, out var kind) && Enum.IsDefined(kind) ? kind : throw new LocalRunException($"There is no fault '{name}': {string.Join(", ", Enum.GetNames<FaultKind>().Select(known => known.ToLowerInvariant()))}.");
    }
}
