using System.Globalization;

namespace Shop.Local.ServiceBus;

/// <summary><c>shop servicebus [--port N] [--data DIR] [--config Config.json] [--fsync] [--faults FILE]</c>: the broker alone, until it is cancelled.</summary>
public static class ServiceBusVerb
{
    private const string Usage = """
        usage: shop servicebus [--port N] [--data DIR] [--config Config.json] [--fsync] [--faults FILE]

          --port N             the port on 127.0.0.1; without it a free one
          --data DIR           where messages are kept; without it in memory only
          --config Config.json queues, topics and subscriptions in the format of the official emulator; without it those of a shop
          --fsync              an acknowledgement waits for the disk, not only for the operating system
          --faults FILE        what to do wrong, for tests of what depends on the broker; read again within 100 ms when it changes:
                               {"duplicate": 0.01, "delayMs": [0, 500], "reorder": 0.05, "withholdAck": 0.01, "seed": 1}
                               duplicate    share of messages that are stored twice
                               delayMs      least and most time for which messages are kept back, in order
                               reorder      share of messages that later ones overtake
                               withholdAck  share of messages and settlements that are taken without an answer
                               seed         the same seed makes the same choices
        """;

    /// <summary>Answers 0 after a stop that was asked for, otherwise 1 with one sentence on the error stream, or 2 when the options were not understood.</summary>
    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        if (args is ["--help" or "-h" or "-?"])
        {
            Console.WriteLine(Usage);
            return 0;
        }

        if (Parse(args) is not { } options)
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        try
        {
            Console.WriteLine("A local stand-in for Azure Service Bus, for development and tests only.");
            await using var server = await BrokerServer.StartAsync(options, cancellationToken);
            Console.WriteLine($"Listening: {server.ConnectionString}");
            await server.Completion.WaitAsync(cancellationToken);
            return 0;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return 0;
        }
        catch (BrokerStartException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return 1;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync($"The broker has stopped because its log cannot be written: {error.Message}");
            return 1;
        }
    }

    private static BrokerOptions? Parse(string[] args)
    {
        var options = new BrokerOptions();
        for (var i = 0; i < args.Length; i++)
        {
            var value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--fsync":
                    options = options with { Fsync = true };
                    continue;
                case "--port" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= ushort.MaxValue:
                    options = options with { Port = port };
                    break;
                case "--data" when value is { Length: > 0 }:
                    options = options with { DataDirectory = value };
                    break;
                case "--faults" when value is { Length: > 0 }:
                    options = options with { FaultsPath = value, OnFaults = Console.WriteLine };
                    break;
                case "--config" when value is { Length: > 0 }:
                    options = options with { ConfigPath = value };
                    break;
                default:
                    Console.Error.WriteLine($"'{args[i]}' is no option, or '{value}' no value of it.");
                    return null;
            }

            i++;
        }

        return options;
    }
}
