using Npgsql;

namespace Shop.Commands.Database;

/// <summary>How every session of the write side behaves.</summary>
internal static class WriterSession
{
    /// <summary>
    /// A process that is frozen between load and write holds its locks for two seconds at most, and nobody waits longer than three for one.
    /// Sequential scans are off because every statement goes by key: a plan made while a table was empty must not scan it when it is full.
    /// </summary>
    private const string Options = "-c idle_in_transaction_session_timeout=2000 -c lock_timeout=3000 -c enable_seqscan=off";

    public static void Configure(NpgsqlDataSourceBuilder dataSource)
    {
        var connection = dataSource.ConnectionStringBuilder;
        connection.ApplicationName ??= "shop-commands";
        connection.Options = string.Join(' ', new[] { connection.Options, Options }.Where(option => !string.IsNullOrEmpty(option)));
        connection.MaxAutoPrepare = 60;
        connection.AutoPrepareMinUsages = 2;
        connection.NoResetOnClose = true;
        connection.KeepAlive = 0;
        connection.TcpKeepAlive = true;
        connection.TcpKeepAliveTime = 5;
        connection.TcpKeepAliveInterval = 2;
        connection.Timeout = 5;
        connection.CommandTimeout = 15;
    }
}
