using Polly;
using Polly.Retry;
using Shop.Local.Supervision;

namespace Shop.Local.Postgres;

/// <summary>A real PostgreSQL server of our own, as a child process on loopback, with one empty database. Disposing stops it.</summary>
public sealed class LocalPostgres : IAsyncDisposable
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(15);
    private readonly PostgresCluster cluster;
    private ChildProcess? process;

    private LocalPostgres(PostgresCluster cluster) => this.cluster = cluster;

    /// <summary>In Npgsql's form, with the database.</summary>
    public string ConnectionString => cluster.ConnectionString;

    public int Port => cluster.Port;

    /// <summary>The postmaster, whose children do the work.</summary>
    public int ProcessId => Running.Id;

    /// <summary>Completes with the exit code when the server that runs now has ended.</summary>
    public Task<int> Exited => Running.Exited;

    /// <summary>The last lines of its log.</summary>
    public string LogTail => Running.LogTail;

    private ChildProcess Running => process ?? throw new InvalidOperationException("The server has not been started.");

    /// <summary>Where its files are: not always inside the data directory, see <see cref="PostgresPlace"/>.</summary>
    public string Directory => cluster.Directory;

    /// <summary>Ready to be used when it returns.</summary>
    /// <exception cref="LocalRunException">No server is installed, the port is taken, or the data directory cannot be used.</exception>
    public static async Task<LocalPostgres> StartAsync(LocalPostgresOptions options, CancellationToken cancellationToken)
    {
        var server = new LocalPostgres(await PostgresCluster.PrepareAsync(options, cancellationToken));
        try
        {
            await server.StartAsync(cancellationToken);
            await server.cluster.EnsureDatabaseAsync(cancellationToken);
            return server;
        }
        catch (Exception)
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>One more database, with the same owner.</summary>
    /// <returns>Its connection string.</returns>
    public Task<string> CreateDatabaseAsync(string name, CancellationToken cancellationToken) => cluster.CreateDatabaseAsync(name, cancellationToken);

    /// <summary>Starts it again after <see cref="KillAsync"/> or <see cref="StopAsync"/>, on the same port and data.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (process is { IsRunning: true }) return;
        await AfterACrash(cancellationToken).ExecuteAsync(async token =>
        {
            process?.Dispose();
            process = await ChildProcess.StartAsync(cluster.Command());
            await PostgresStartup.WaitAsync(cluster, process, token);
        }, cancellationToken);
    }

    /// <summary>A fast shutdown: connections are cut, everything is on disk.</summary>
    public async Task StopAsync()
    {
        if (process is not null) await process.StopAsync(StopGrace);
    }

    /// <summary>SIGKILL of the postmaster; its backends follow.</summary>
    public async Task KillAsync()
    {
        if (process is not null) await process.KillAsync();
    }

    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        await StartAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        process?.Dispose();
        cluster.Discard();
    }

    // After a SIGKILL the backends hold the shared memory for a moment longer than the postmaster lives.
    private static ResiliencePipeline AfterACrash(CancellationToken cancellationToken) =>
        new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = 40,
                Delay = TimeSpan.FromMilliseconds(250),
                ShouldHandle = arguments => ValueTask.FromResult(
                    !cancellationToken.IsCancellationRequested && arguments.Outcome.Exception is LocalRunException exception && PostgresStartup.IsStillEnding(exception)),
            })
            .Build();
}
