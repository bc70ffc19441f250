using System.Threading.Channels;

namespace Shop.Commands.Deciding;

/// <summary>
/// The commands that wait in this process, in order, and how they become groups: whatever is waiting, as soon as a writer is free. It never waits
/// for a group to fill, only for a writer: an idle system commits single commands.
/// </summary>
internal sealed class GroupIntake(int capacity, TimeProvider time)
{
    private const int MaxGroup = 512;

    /// <summary>What waits is shared among free writers down to groups of this size; smaller ones cost more than a second writer gains.</summary>
    private const int SmallestShare = 16;

    /// <summary>How long a few commands wait for a large group to end. One that waits for a lock or a lost connection must not hold up the others.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromMilliseconds(10);

    private readonly Channel<Submission> waiting = Channel.CreateBounded<Submission>(new BoundedChannelOptions(capacity) { SingleReader = true });

    /// <summary>
    /// What concerns an aggregate or a command of a group under way, in order; it goes first when that group has ended. Whatever else waits goes on
    /// meanwhile. Never more than a group: then only an end helps.
    /// </summary>
    private readonly List<Submission> held = [];

    /// <summary>The wait for the next command, if one has begun and not ended.</summary>
    private Task<bool>? arrival;

    /// <summary>Commands in the intake.</summary>
    public int Waiting => waiting.Reader.Count + held.Count;

    /// <summary>False when the intake is full: the caller is told to come back.</summary>
    public bool TrySubmit(Submission submission) => waiting.Writer.TryWrite(submission);

    /// <summary>Waits for a place in the intake: a streamed request is slowed down instead of refused.</summary>
    /// <exception cref="ChannelClosedException">The service is stopping.</exception>
    public ValueTask SubmitAsync(Submission submission, CancellationToken cancellationToken) => waiting.Writer.WriteAsync(submission, cancellationToken);

    /// <summary>No more commands; what has been taken is finished.</summary>
    public void Complete() => waiting.Writer.TryComplete();

    /// <summary>Gives groups to the writers until the intake is closed and empty.</summary>
    public async Task RunAsync(IReadOnlyList<CommandWriter> writers)
    {
        var waited = false;
        while (held.Count > 0 || await NextArrivalAsync())
        {
            // The callers just answered go first: what they send next is then part of this group, and not of the one after.
            await Task.Yield();
            CommandWriter[] free = [.. writers.Where(writer => writer.UnderWay.IsCompleted)];
            CommandWriter[] busy = [.. writers.Where(writer => !free.Contains(writer))];

            // A few commands do not start a group of their own beside a large one, as each group has a price: they wait for it to end.
            if (free.Length == 0 || (!waited && busy.Any(writer => writer.GroupSize > 2 * Waiting)))
            {
                var ended = Task.WhenAny(busy.Select(writer => writer.UnderWay));
                await (free.Length == 0 ? ended : Task.WhenAny(ended, Task.Delay(patience, time)));
                waited = free.Length > 0;
                continue;
            }

            // A writer never fails: if it has, that is a bug, and the service must not go on as if it had not.
            await free[0].UnderWay;
            var group = Take(Math.Clamp((Waiting + free.Length - 1) / free.Length, SmallestShare, MaxGroup), busy);
            if (group.Count == 0)
            {
                if (held.Count > 0) await EndOrArrivalAsync(busy);
                continue;
            }

            free[0].Start(group);
            waited = false;
        }

        await Task.WhenAll(writers.Select(writer => writer.UnderWay));
    }

    /// <summary>In order, whatever concerns one aggregate or one command: after the group under way that has it too, and after what is held for it.</summary>
    private List<Submission> Take(int count, CommandWriter[] busy)
    {
        var group = new List<Submission>(count);
        Submission[] earlier = [.. held];
        held.Clear();
        var (targets, commandIds) = (new HashSet<AggregateId>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var submission in earlier) Place(submission);
        while (group.Count < count && held.Count < MaxGroup && waiting.Reader.TryRead(out var submission)) Place(submission);
        return group;

        void Place(Submission submission)
        {
            var commandId = submission.Command.CommandId;
            if (group.Count < count && !targets.Contains(submission.Target) && (commandId is null || !commandIds.Contains(commandId))
                && !busy.Any(writer => writer.Concerns(submission)))
            {
                group.Add(submission);
                return;
            }

            held.Add(submission);
            targets.Add(submission.Target);
            if (commandId is not null) commandIds.Add(commandId);
        }
    }

    /// <summary>True when there may be something to take: what a wait begun earlier has seen come may have been taken meanwhile.</summary>
    private Task<bool> NextArrivalAsync()
    {
        var next = arrival is { IsCompleted: false } begun ? begun : waiting.Reader.WaitToReadAsync().AsTask();
        arrival = null;
        return next;
    }

    /// <summary>All that waits has to wait for a group under way; what comes now need not.</summary>
    private async Task EndOrArrivalAsync(CommandWriter[] busy)
    {
        var ended = Task.WhenAny(busy.Select(writer => writer.UnderWay));
        arrival ??= waiting.Reader.WaitToReadAsync().AsTask();
        var closed = waiting.Reader.Completion.IsCompleted;
        await (closed || held.Count >= MaxGroup ? ended : Task.WhenAny(ended, arrival));
        if (arrival.IsCompleted) arrival = null;
    }
}
