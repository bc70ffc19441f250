using System.Diagnostics;
using Npgsql;
using Shop.Commands.Observation;
using Shop.Commands.Outbox;
using Shop.ServiceDefaults.Reliability;

namespace Shop.Commands.Deciding;

/// <summary>
/// Decides and commits one group after the other, each in two round trips over a connection of its own, and answers the callers only after the
/// commit.
/// </summary>
internal sealed partial class CommandWriter(
    int number, int shardCount, NpgsqlDataSource dataSource, OutboxHandOff handOff, WriteSideTelemetry telemetry, TimeProvider time,
    ILogger<CommandWriter> logger) : IAsyncDisposable
{
    private const int MaxDecisions = 20;
    internal static readonly TimeSpan DoubtLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly long[] lastPositions = new long[shardCount];
    private readonly HashSet<AggregateId> targets = [];
    private readonly HashSet<string> commandIds = new(StringComparer.Ordinal);
    private NpgsqlConnection? connection;

    /// <summary>Ends when the group's callers have been answered, whatever became of it.</summary>
    public Task UnderWay { get; private set; } = Task.CompletedTask;

    /// <summary>Commands in the group under way, or in the last one.</summary>
    public int GroupSize { get; private set; }

    /// <summary>True when the group under way, or the last one, has this aggregate or this command.</summary>
    public bool Concerns(Submission submission) =>
        targets.Contains(submission.Target) || (submission.Command.CommandId is { } commandId && commandIds.Contains(commandId));

    /// <summary>Takes a group; only when none is under way.</summary>
    public void Start(List<Submission> group)
    {
        GroupSize = group.Count;
        targets.Clear();
        commandIds.Clear();
        foreach (var submission in group)
        {
            targets.Add(submission.Target);
            if (submission.Command.CommandId is { } commandId) commandIds.Add(commandId);
        }

        UnderWay = ProcessAsync(group, CancellationToken.None);
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
            Log.GroupRefused(logger, exception, number, group.Count);
            await RollBackAsync();
            foreach (var submission in group) await ProcessAsync([submission], cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // A bug: the callers get an answer, the writer goes on with a new connection.
            Log.GroupFailed(logger, exception, number, group.Count);
            await DropConnectionAsync();
            AnswerUnavailable(group, "The command could not be decided.", mayHaveHappened: false);
        }
    }

    private async Task DecideAndCommitAsync(List<Submission> group, CancellationToken cancellationToken)
    {
        using var span = WriteSideTelemetry.StartGroup(number, group);
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
                // The group's id was free: no earlier attempt has been committed, and none will be.
                inDoubt = null;
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
                    var events = await GroupWrite.RunAsync(connection, state, decision, lastPositions, now, CancellationToken.None);
                    CrashPoint.Reached(CrashPoint.AfterCommitBeforeHandOff);
                    var committedAt = time.GetTimestamp();
                    foreach (var ofShard in events) handOff.Offer(new CommittedGroup(ofShard, committedAt));
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
                foreach (var shard in inDoubt.Shards) handOff.Wake(shard);
                Answer(group, inDoubt);
                return;
            }
            catch (PostgresException exception) when (IsRace(exception) && attempt < MaxDecisions && (committing || inDoubt is null))
            {
                // Another process was faster. The transaction is rolled back, so nothing is in doubt: load and decide again.
                Log.DecidingAgain(logger, number, exception.SqlState, attempt);
                inDoubt = null;
                await RollBackAsync();
            }
            catch (Exception exception) when (IsOutage(exception) || (exception is PostgresException && !committing && inDoubt is not null))
            {
                // Also what keeps an attempt that is in doubt from being asked about, such as its own transaction, which has not ended yet.
                Log.Outage(logger, exception, number);
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
            Log.Outage(logger, exception, number);
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
        if (connection is not null) await connection.DisposeAsync();
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Writer {Writer}: the database refused a group of {Count}; deciding its commands one by one")]
        public static partial void GroupRefused(ILogger logger, Exception exception, int writer, int count);

        [LoggerMessage(LogLevel.Error, "Writer {Writer}: a group of {Count} failed")]
        public static partial void GroupFailed(ILogger logger, Exception exception, int writer, int count);

        [LoggerMessage(LogLevel.Debug, "Writer {Writer}: deciding again after {SqlState} (attempt {Attempt})")]
        public static partial void DecidingAgain(ILogger logger, int writer, string sqlState, int attempt);

        [LoggerMessage(LogLevel.Warning, "Writer {Writer}: the database does not answer")]
        public static partial void Outage(ILogger logger, Exception exception, int writer);
    }
}
