using System.Diagnostics;
using System.Threading.Channels;
using Npgsql;
using Shop.Commands.Observation;
using Shop.Commands.Outbox;
using Shop.ServiceDefaults.Reliability;

namespace Shop.Commands.Deciding;

/// <summary>
/// The one writer of a shard in this process: takes whatever is waiting as a group, decides and commits it in two round trips, and
/// answers the callers only after the commit. It never waits for a group to fill: an idle system commits single commands.
/// </summary>
internal sealed partial class ShardWriter(
    int shard, int capacity, NpgsqlDataSource dataSource, OutboxHandOff handOff, WriteSideTelemetry telemetry, TimeProvider time,
    ILogger<ShardWriter> logger) : IAsyncDisposable
{
    private const int MaxGroup = 512;
    private const int MaxDecisions = 20;
    internal static readonly TimeSpan DoubtLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly Channel<Submission> intake = Channel.CreateBounded<Submission>(new BoundedChannelOptions(capacity) { SingleReader = true });
    private NpgsqlConnection? connection;

    /// <summary>Commands in the intake.</summary>
    public int Waiting => intake.Reader.Count;

    /// <summary>False when the intake is full: the caller is told to come back.</summary>
    public bool TrySubmit(Submission submission) => intake.Writer.TryWrite(submission);

    /// <summary>Waits for a place in the intake: a streamed request is slowed down instead of refused.</summary>
    /// <exception cref="ChannelClosedException">The service is stopping.</exception>
    public ValueTask SubmitAsync(Submission submission, CancellationToken cancellationToken) => intake.Writer.WriteAsync(submission, cancellationToken);

    /// <summary>No more commands; what has been taken is finished.</summary>
    public void Complete() => intake.Writer.TryComplete();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var group = new List<Submission>(MaxGroup);
        while (await intake.Reader.WaitToReadAsync(cancellationToken))
        {
            while (group.Count < MaxGroup && intake.Reader.TryRead(out var submission)) group.Add(submission);
            await ProcessAsync(group, cancellationToken);
            group.Clear();
        }
    }

    private async Task ProcessAsync(List<Submission> group, CancellationToken cancellationToken)
    {
        try
        {
            await DecideAndCommitAsync(group, cancellationToken);
        }
        catch (PostgresException exception) when (group.Count > 1 && !IsOutage(exception))
        {
            // One command that the database cannot take must not fail its neighbours: each gets a transaction of its own.
            Log.GroupRefused(logger, exception, shard, group.Count);
            await RollBackAsync();
            foreach (var submission in group) await ProcessAsync([submission], cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // A bug: the callers get an answer, the writer goes on with a new connection.
            Log.GroupFailed(logger, exception, shard, group.Count);
            await DropConnectionAsync();
            AnswerUnavailable(group, "The command could not be decided.", mayHaveHappened: false);
        }
    }

    private async Task DecideAndCommitAsync(List<Submission> group, CancellationToken cancellationToken)
    {
        using var span = WriteSideTelemetry.StartGroup(shard, group);
        var groupId = Guid.CreateVersion7(time.GetUtcNow());
        var startedAt = time.GetTimestamp();
        GroupDecision? inDoubt = null;
        for (var attempt = 1; ; attempt++)
        {
            var (committing, attemptedAt) = (false, time.GetTimestamp());
            try
            {
                var now = Milliseconds(time.GetUtcNow());
                connection ??= await dataSource.OpenConnectionAsync(cancellationToken);
                var state = await GroupLoad.RunAsync(connection, groupId, group, now, cancellationToken);
                var decision = GroupDecision.Decide(group, state, now);
                var decidedAt = telemetry.GroupDecided(attemptedAt);
                if (decision.Events.Count == 0)
                {
                    await RollBackAsync();
                }
                else
                {
                    (committing, inDoubt) = (true, decision);
#if SEEDED_BUGS
                    if (SeededBug.IsOn(SeededBug.AcknowledgeBeforeCommit)) Answer(group, decision);
#endif
                    CrashPoint.Reached(CrashPoint.BeforeCommit);
                    var events = await GroupWrite.RunAsync(connection, shard, state, decision, now, CancellationToken.None);
                    CrashPoint.Reached(CrashPoint.AfterCommitBeforeHandOff);
                    handOff.Offer(new CommittedGroup(events, time.GetTimestamp()));
                    telemetry.GroupCommitted(decidedAt);
                    CrashPoint.Reached(CrashPoint.AfterHandOffBeforeAnswer);
                }

                Answer(group, decision);
                return;
            }
            catch (PostgresException exception) when (inDoubt is not null && exception.ConstraintName == "command_group_pkey")
            {
                // The commit had happened before its connection was lost; the events' positions are not known here, the relay reads them.
                await RollBackAsync();
                handOff.Wake(shard);
                Answer(group, inDoubt);
                return;
            }
            catch (PostgresException exception) when (IsRace(exception) && attempt < MaxDecisions)
            {
                // Another process was faster. The transaction is rolled back, so nothing is in doubt: load and decide again.
                Log.DecidingAgain(logger, shard, exception.SqlState, attempt);
                inDoubt = null;
                await RollBackAsync();
            }
            catch (Exception exception) when (IsOutage(exception))
            {
                Log.Outage(logger, exception, shard);
                span?.SetStatus(ActivityStatusCode.Error, exception.Message);
                await DropConnectionAsync();
                if (!committing && inDoubt is null || time.GetElapsedTime(startedAt) > DoubtLimit)
                {
                    AnswerUnavailable(group, "The write side's database does not answer.", mayHaveHappened: inDoubt is not null);
                    return;
                }

                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }
    }

    private void Answer(List<Submission> group, GroupDecision decision)
    {
        telemetry.Answered(decision.Outcomes);
        for (var index = 0; index < group.Count; index++) group[index].Answer(decision.Outcomes[index]);
    }

    private void AnswerUnavailable(List<Submission> group, string why, bool mayHaveHappened)
    {
        telemetry.Unavailable(group.Count);
        var outcome = new Outcome.Unavailable(why, mayHaveHappened);
        foreach (var submission in group) submission.Answer(outcome);
    }

    // 23505: an id was created meanwhile; SH001: a version moved; 40P01, 40001, 55P03: the server chose this transaction to give way.
    private static bool IsRace(PostgresException exception) =>
        exception.SqlState is "23505" or "SH001" or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.LockNotAvailable;

    private static bool IsOutage(Exception exception) => exception switch
    {
        // Classes 08 connection, 53 resources, 57 operator intervention, 58 system; 25P03 and 25P04 are time-outs of a stalled transaction.
        PostgresException server => server.SqlState[..2] is "08" or "53" or "57" or "58" || server.SqlState is "25P03" or "25P04",
        NpgsqlException or TimeoutException or IOException => true,
        _ => false,
    };

    private async Task RollBackAsync()
    {
        if (connection is null) return;
        try
        {
            await using var rollback = new NpgsqlCommand("rollback", connection);
            await rollback.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (NpgsqlException exception)
        {
            // The server rolls back by itself when the connection goes.
            Log.Outage(logger, exception, shard);
            await DropConnectionAsync();
        }
    }

    private async Task DropConnectionAsync()
    {
        var dropped = Interlocked.Exchange(ref connection, null);
        if (dropped is null) return;
        NpgsqlConnection.ClearPool(dropped);
        await dropped.DisposeAsync();
    }

    // PostgreSQL keeps microseconds, MongoDB milliseconds: cut once, here, so that both say the same.
    private static DateTimeOffset Milliseconds(DateTimeOffset value) => DateTimeOffset.FromUnixTimeMilliseconds(value.ToUnixTimeMilliseconds());

    public async ValueTask DisposeAsync()
    {
        Complete();
        if (connection is not null) await connection.DisposeAsync();
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Shard {Shard}: the database refused a group of {Count}; deciding its commands one by one")]
        public static partial void GroupRefused(ILogger logger, Exception exception, int shard, int count);

        [LoggerMessage(LogLevel.Error, "Shard {Shard}: a group of {Count} failed")]
        public static partial void GroupFailed(ILogger logger, Exception exception, int shard, int count);

        [LoggerMessage(LogLevel.Debug, "Shard {Shard}: deciding again after {SqlState} (attempt {Attempt})")]
        public static partial void DecidingAgain(ILogger logger, int shard, string sqlState, int attempt);

        [LoggerMessage(LogLevel.Warning, "Shard {Shard}: the database does not answer")]
        public static partial void Outage(ILogger logger, Exception exception, int shard);
    }
}
