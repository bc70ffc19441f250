using System.CommandLine;
using Shop.Local.Postgres;

namespace Shop.Local.Verbs;

/// <summary>A PostgreSQL server alone, until Ctrl-C: what the AppHost starts with <c>--local</c>.</summary>
internal static class PostgresVerb
{
    /// <summary>The password of a server that is initialised now; without it one is made up and kept beside the data.</summary>
    private const string PasswordVariable = "SHOP_POSTGRES_PASSWORD";
    private const int HighestPort = 65_535;

    public static Command Create()
    {
        var (data, yes) = (ShopOptions.Data("Keep everything in this directory (default: in one of its own, deleted at the end)."), ShopOptions.Yes());
        var port = new Option<int?>("--port") { Description = "Listen on this loopback port (default: a free one).", HelpName = "N" };
        port.Validators.Add(result => ShopOptions.Between(result, port, 1, HighestPort));
        var command = new Command("postgres", "Run a local PostgreSQL server alone.") { port, data, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await PostgresInstaller.EnsureAsync(parsed.GetValue(yes), cancellationToken);
            await using var server = await LocalPostgres.StartAsync(new LocalPostgresOptions
            {
                DataDirectory = parsed.GetValue(data),
                Port = parsed.GetValue(port) ?? 0,
                Password = Environment.GetEnvironmentVariable(PasswordVariable),
            }, cancellationToken);
            Console.WriteLine($"PostgreSQL listens on 127.0.0.1:{server.Port}, database shop.");
            try
            {
                var code = await server.Exited.WaitAsync(cancellationToken);
                throw new LocalRunException($"PostgreSQL ended by itself with exit code {code}; its log ends with:{Environment.NewLine}{server.LogTail}");
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return ShopCommandLine.Done;
            }
        });
        return command;
    }
}
