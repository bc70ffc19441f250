using System.CommandLine;
using Shop.Local.RabbitMq;

namespace Shop.Local.Verbs;

/// <summary>A RabbitMQ node with the queues of a shop, until Ctrl-C: another broker to try a shop with; or just what such a broker needs.</summary>
internal static class RabbitMqVerb
{
    private const int HighestPort = 65_535;

    public static Command Create()
    {
        var port = new Option<int?>("--port") { Description = "Listen on this loopback port (default: a free one).", HelpName = "N" };
        port.Validators.Add(result => ShopOptions.Between(result, port, 1, HighestPort));
        var quorum = new Option<bool>("--quorum") { Description = "Quorum queues, which are on disk before a message is acknowledged." };
        var definitions = new Option<bool>("--definitions") { Description = "Only print queues and bindings, for rabbitmqctl import_definitions on a broker of yours." };
        var command = new Command("rabbitmq", "Run the installed RabbitMQ with the queues of a shop, for --servicebus.") { port, quorum, definitions };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(definitions))
            {
                Console.WriteLine(RabbitMqDefinitions.Write(parsed.GetValue(quorum)));
                return ShopCommandLine.Done;
            }

            await using var server = await LocalRabbitMq.StartAsync(parsed.GetValue(port) ?? 0, parsed.GetValue(quorum), cancellationToken);
            Console.WriteLine($"RabbitMQ listens: {server.ConnectionString}");
            var stopped = new TaskCompletionSource();
            await using var stop = cancellationToken.Register(stopped.SetResult);
            await stopped.Task;
            return ShopCommandLine.Done;
        });
        return command;
    }
}
