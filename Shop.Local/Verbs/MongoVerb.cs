using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Shop.Local.Mongo;

namespace Shop.Local.Verbs;

/// <summary>The document store alone: also how a shop starts it.</summary>
internal static class MongoVerb
{
    private const int DefaultPort = 27_017;
    private const int HighestPort = 65_535;

    public static Command Create()
    {
        var port = new Option<int?>("--port") { Description = $"Listen on this port, 0 for any free one (default: {DefaultPort}).", HelpName = "N" };
        port.Validators.Add(result => ShopOptions.Between(result, port, 0, HighestPort));
        var data = new Option<DirectoryInfo?>("--data") { Description = "Keep everything in this directory (default: in memory only).", HelpName = "DIR" };
        var listen = new Option<IPAddress?>("--listen") { Description = $"Listen on this address of the machine (default: {IPAddress.Loopback}).", HelpName = "ADDRESS" };
        listen.CustomParser = result =>
        {
            if (!IPAddress.TryParse(result.Tokens[0].Value, out var address)) result.AddError($"--listen takes an IP address, not '{result.Tokens[0].Value}'.");
            return address;
        };
        var command = new Command("mongo", "Run the local document store alone.") { port, data, listen };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new() { Port = parsed.GetValue(port) ?? DefaultPort, DataDirectory = parsed.GetValue(data)?.FullName, Address = parsed.GetValue(listen) ?? IPAddress.Loopback },
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(StoreOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await using var server = await StoreServer.StartAsync(options, cancellationToken);
            Console.WriteLine("A local stand-in for MongoDB, for development and tests only: no authentication, no replication.");
            Console.WriteLine($"Listening on {server.ConnectionString}, {(options.DataDirectory is null ? "in memory only" : $"data in {options.DataDirectory}")}.");
            if (!IPAddress.IsLoopback(options.Address))
                Console.WriteLine($"WARNING: whoever reaches {options.Address} can read and change everything; nothing asks for a password.");
            await server.Completion.WaitAsync(cancellationToken);
            return ShopCommandLine.Done;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ShopCommandLine.Done;
        }
        catch (SocketException refused)
        {
            throw new LocalRunException($"{options.Address} port {options.Port} cannot be used: {refused.Message}.", refused);
        }
        catch (DataDirectoryException unusable)
        {
            throw new LocalRunException(unusable.Message, unusable);
        }
        catch (IOException failure)
        {
            throw new LocalRunException($"The store stopped because its data directory cannot be used: {failure.Message}", failure);
        }
    }
}
