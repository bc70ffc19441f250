using System.CommandLine;
using Shop.Bench.Measuring;
using Shop.Bench.Reporting;
using Shop.Local;
using Spectre.Console;

namespace Shop.Bench;

/// <summary><c>bench WHICH [--json FILE]</c>. The exit code says whether it ran, not whether a target was met.</summary>
internal static class BenchCommandLine
{
    private const int Done = 0;
    private const int Failed = 1;
    private const int Misunderstood = 2;
    private const int Interrupted = 130;
    private const int PlainWidth = 240;

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = PlainWidth;
        var which = new Argument<string>("WHICH") { Description = "The benchmark, or all." };
        var json = new Option<FileInfo?>("--json") { Description = "Also write machine, versions and results there.", HelpName = "FILE" };
        var rabbitMq = new Option<bool>("--with-rabbitmq") { Description = "Measure RabbitMQ beside the local broker (bus); it must be installed." };
        var quick = new Option<bool>("--quick") { Hidden = true };
        var part = new Option<string?>("--part") { Hidden = true };
        var command = new RootCommand("Measure how fast the shop is, beside references measured in the same run.") { which, json, rabbitMq, quick, part };
        command.SetAction((parsed, token) => RunAsync(parsed.GetValue(which)!, parsed.GetValue(json), parsed.GetValue(quick), parsed.GetValue(rabbitMq), parsed.GetValue(part), token));
        try
        {
            return await command.Parse(args).InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancellationToken);
        }
        catch (LocalRunException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return Failed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Interrupted;
        }
    }

    private static async Task<int> RunAsync(string which, FileInfo? json, bool quick, bool withRabbitMq, string? part, CancellationToken cancellationToken)
    {
        var benchmarks = Benchmarks.Named(which);
        if (benchmarks.Count == 0)
        {
            await Console.Error.WriteLineAsync($"There is no benchmark '{which}'. There are:");
            foreach (var benchmark in Benchmarks.List) await Console.Error.WriteLineAsync($"  {benchmark.Name,-10} {benchmark.Summary}");
            await Console.Error.WriteLineAsync($"  {Benchmarks.All,-10} every one of them");
            return Misunderstood;
        }

        if (json is { Directory.Exists: false }) throw new LocalRunException($"The directory of {json.FullName} does not exist.");
        var machine = Machine.Read();
        var results = new List<Result>();
        foreach (var benchmark in benchmarks)
        {
            var run = new BenchRun(benchmark.Name, quick, withRabbitMq, part);
            var measured = await benchmark.RunAsync(run, cancellationToken);
            results.AddRange(measured);
            ResultTable.Write(benchmark, measured, machine, quick);
            // After each of them: what was measured survives whatever the next one does.
            if (json is not null) await ResultFile.WriteAsync(json.FullName, machine, quick, results, cancellationToken);
        }

        return Done;
    }
}
