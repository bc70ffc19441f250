using Npgsql;

namespace Shop.Commands.Database;

/// <summary>How every session of the write side behaves.</summary>
internal static class WriterSession
{
    /// <summary>
    /// A process that is frozen between load and write holds its locks for two seconds at most, and nobody waits longer than three for one. A
    /// machine that is gone while it sends holds them until the server's own keepalive finds out: 11 s instead of the system's two hours.
    /// Every statement goes by key, so it is planned once and kept; other ways than the keys' are off, because a plan made while a table was
    /// empty must not scan it when it is full. What is switched off costs a plan more than it ever takes, which must not start the compiler.
    /// </summary>
    private const string Options =
        "-c idle_in_transaction_session_timeout=2000 -c lock_timeout=3000"
        + " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
        + " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off";

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
