using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Shop.Local.ServiceBus;
using Spectre.Console;

namespace Shop.Local.Verbs;

/// <summary>The verbs, and what their endings mean: 0 done, 1 something has to be put right, 2 the command line was not understood.</summary>
public static class ShopCommandLine
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Misunderstood = 2;

    /// <summary>What the shell reports for a program ended by Ctrl-C.</summary>
    private const int Interrupted = 130;

    private const int PlainWidth = 240;

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(args);
        // Without a terminal nobody looks at a width: a connection string stays in one piece.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = PlainWidth;
        try
        {
            if (args is ["servicebus", ..]) return await ServiceBusVerb.RunAsync(args[1..], cancellationToken);
            if (args is ["chaos", ..]) return await ChaosVerb.RunAsync(args[1..], cancellationToken);
            return await ParseAndRunAsync(args is ["help", ..] ? [.. args[1..], "--help"] : args, cancellationToken);
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
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A full disk, or a file that is not ours: something to put right, and its message names the file.
            await Console.Error.WriteLineAsync(exception.Message);
            return Failed;
        }
    }

    private static async Task<int> ParseAndRunAsync(string[] args, CancellationToken cancellationToken)
    {
        var parsed = Root().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            var atRoot = parsed.CommandResult.Command == parsed.RootCommandResult.Command;
            foreach (var error in atRoot ? [NoVerb(parsed.UnmatchedTokens)] : parsed.Errors.Select(error => error.Message)) await Console.Error.WriteLineAsync(error);
            await Console.Error.WriteLineAsync();
            await Root().Parse([.. Path(parsed.CommandResult), "--help"]).InvokeAsync(new() { Output = Console.Error }, cancellationToken);
            return Misunderstood;
        }

        // The signals are ours (StopSignals): a verb that stops a shop needs longer than the library would wait.
        return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancellationToken);
    }

    /// <summary>The names that lead to a command, without the program's own.</summary>
    private static IEnumerable<string> Path(CommandResult command) => command.Parent is CommandResult parent ? [.. Path(parent), command.Command.Name] : [];

    private static string NoVerb(IReadOnlyList<string> unmatched) => unmatched.Count > 0 ? $"There is no verb '{unmatched[0]}'." : "A verb is missing.";

    // Not a RootCommand: that would be named after the assembly, and people type ./shop.
    private static Command Root() => new("shop", "Everything a shop can do on this machine.")
    {
        new HelpOption { Recursive = true },
        UpVerb.Create(), StatusVerb.Create(), DownVerb.Create(), DemoVerb.Create(), TestVerb.Create(), SeedVerb.Create(), ImportVerb.Create(),
        DeadLetterVerb.Create(), ParkedVerb.Create(), RebuildVerb.Create(), BenchVerb.Create(), ChaosVerb.Create(), PostgresVerb.Create(), MongoVerb.Create(), RabbitMqVerb.Create(),
        new Command("servicebus", "Run the local broker alone; shop servicebus --help tells more."),
        new Command("help", "Show this, or with a verb what the verb takes."),
    };
}
