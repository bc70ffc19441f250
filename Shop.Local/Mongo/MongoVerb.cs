using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Shop.Local.Mongo;

/// <summary><c>shop mongo [--port N] [--data DIR] [--listen ADDRESS]</c>: the store on its own.</summary>
public static class MongoVerb
{
    private const int DefaultPort = 27017;
    private const string Usage = "usage: shop mongo [--port N] [--data DIR] [--listen ADDRESS], with N from 0 (any free port) to 65535 and an IP address of this machine (127.0.0.1).";

    /// <returns>0 when it was stopped, 1 when it could not run; the reason is a sentence on stderr.</returns>
    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        if (!TryParse(args, out var options))
            return await FailAsync(Usage);
        try
        {
            await using var server = await StoreServer.StartAsync(options, cancellationToken);
            Console.WriteLine("A local stand-in for MongoDB, for development and tests only: no authentication, no replication.");
            Console.WriteLine($"Listening on {server.ConnectionString}, {(options.DataDirectory is null ? "in memory only" : $"data in {options.DataDirectory}")}.");
            if (!IPAddress.IsLoopback(options.Address))
                Console.WriteLine($"WARNING: whoever reaches {options.Address} can read and change everything; nothing asks for a password.");
            await server.Completion.WaitAsync(cancellationToken);
            return 0;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return 0;
        }
        catch (SocketException refused)
        {
            return await FailAsync($"{options.Address} port {options.Port} cannot be used: {refused.Message}.");
        }
        catch (IOException failure)
        {
            return await FailAsync(failure is DataDirectoryException ? failure.Message : $"The store stopped because its data directory cannot be used: {failure.Message}");
        }
    }

    private static bool TryParse(string[] args, out StoreOptions options)
    {
        options = new StoreOptions { Port = DefaultPort };
        for (var i = 0; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length) return false;
            if (args[i] == "--port" && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= 65535)
                options = options with { Port = port };
            else if (args[i] == "--data" && args[i + 1].Length > 0)
                options = options with { DataDirectory = Path.GetFullPath(args[i + 1]) };
            else if (args[i] == "--listen" && IPAddress.TryParse(args[i + 1], out var address))
                options = options with { Address = address };
            else return false;
        }
        return true;
    }

    private static async Task<int> FailAsync(string reason)
    {
        await Console.Error.WriteLineAsync(reason);
        return 1;
    }
}
