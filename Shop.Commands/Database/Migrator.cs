using System.Reflection;
using System.Runtime.ExceptionServices;
using DbUp;
using DbUp.Engine;
using DbUp.Engine.Output;
using Npgsql;

namespace Shop.Commands.Database;

/// <summary>Brings the schema up to date with the embedded scripts, one process at a time.</summary>
internal sealed partial class Migrator(IConfiguration configuration, ILogger<Migrator> logger)
{
    private const long MigrationLock = 0x73686f70_6d696772; // "shopmigr"

    /// <exception cref="NpgsqlException">The server is not there, or refuses.</exception>
    /// <exception cref="InvalidOperationException">A script failed; the database is as it was before that script.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var connectionString = configuration.GetConnectionString("shopdb")
            ?? throw new InvalidOperationException("ConnectionStrings:shopdb is not configured.");

        // Several instances start at once: the lock lets one migrate while the others wait and then find nothing to do.
        // Not pooled: a pooled connection would go on holding the lock after it was closed.
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using (var take = new NpgsqlCommand("select pg_advisory_lock($1)", connection) { CommandTimeout = 0 })
        {
            take.Parameters.Add(new NpgsqlParameter<long> { TypedValue = MigrationLock });
            await take.ExecuteNonQueryAsync(cancellationToken);
        }

        var upgrade = DeployChanges.To.PostgresqlDatabase(connectionString)
            .WithScriptsEmbeddedInAssembly(Assembly.GetExecutingAssembly(), name => name.Contains(".Database.Migrations.", StringComparison.Ordinal))
            .WithTransactionPerScript()
            .LogTo(new UpgradeLog(logger))
            .Build();
        DatabaseUpgradeResult result = await Task.Run(upgrade.PerformUpgrade, cancellationToken);
        ThrowIfFailed(result);
        var applied = result.Scripts.Count();
        if (applied > 0) Log.Migrated(logger, applied);
    }

    /// <summary>DbUp hands back what it caught: a server that went away meanwhile is an outage like any other, to be waited for.</summary>
    internal static void ThrowIfFailed(DatabaseUpgradeResult result)
    {
        if (result.Successful) return;
        if (IsOutage(result.Error)) ExceptionDispatchInfo.Throw(result.Error);
        throw new InvalidOperationException($"Migration {result.ErrorScript?.Name} failed: {result.Error.Message}", result.Error);
    }

    // Classes 08 connection, 53 resources, 57 operator intervention, 58 system.
    private static bool IsOutage(Exception exception) => exception switch
    {
        PostgresException server => server.SqlState[..2] is "08" or "53" or "57" or "58",
        NpgsqlException or TimeoutException => true,
        _ => false,
    };

    private sealed class UpgradeLog(ILogger logger) : IUpgradeLog
    {
        public void LogTrace(string format, params object[] args) { }
        public void LogDebug(string format, params object[] args) { }
        public void LogInformation(string format, params object[] args) { }
        public void LogWarning(string format, params object[] args) => Log.Warning(logger, string.Format(null, format, args));
        public void LogError(string format, params object[] args) => Log.Error(logger, string.Format(null, format, args));
        public void LogError(Exception ex, string format, params object[] args) => Log.Error(logger, string.Format(null, format, args));
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Applied {Count} migrations")]
        public static partial void Migrated(ILogger logger, int count);

        [LoggerMessage(LogLevel.Warning, "Migration: {Message}")]
        public static partial void Warning(ILogger logger, string message);

        [LoggerMessage(LogLevel.Error, "Migration: {Message}")]
        public static partial void Error(ILogger logger, string message);
    }
}
