using Shop.Local.Supervision;

namespace Shop.Local.Postgres;

internal static class PostgresStartup
{
    /// <summary>What the server logs when it is.</summary>
    public const string ReadyLine = "ready to accept connections";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    /// <summary>Returns when the server accepts connections.</summary>
    /// <exception cref="LocalRunException">It ended or did not become ready in time; the message has the end of its log.</exception>
    public static async Task WaitAsync(PostgresCluster cluster, ChildProcess process, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            // Before the port is asked: another server may be listening there already, and must not be taken for ours.
            while (process.IsRunning)
            {
                if (process.HasSaidReady && await cluster.IsReadyAsync(deadline.Token)) return;
                await Task.WhenAny(process.Exited, Task.Delay(Step, deadline.Token));
                deadline.Token.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LocalRunException($"PostgreSQL was not ready after {Deadline.TotalSeconds:0} s: {process.LogTail}");
        }

        throw Explain(cluster, process);
    }

    public static bool IsStillEnding(LocalRunException exception) =>
        exception.Message.Contains("shared memory block", StringComparison.Ordinal) || exception.Message.Contains("postmaster.pid", StringComparison.Ordinal);

    private static LocalRunException Explain(PostgresCluster cluster, ChildProcess process) =>
        process.LogTail.Contains("could not bind", StringComparison.Ordinal)
            ? new LocalRunException($"Port {cluster.Port} (PostgreSQL) is in use by another program.")
            : new LocalRunException($"PostgreSQL ended while starting; its log {cluster.LogFile} ends with:{Environment.NewLine}{process.LogTail}");
}
