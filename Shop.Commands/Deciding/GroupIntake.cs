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

    /// <summary>Commands in the intake.</summary>
    public int Waiting => waiting.Reader.Count;

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
        while (await waiting.Reader.WaitToReadAsync())
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
            var group = Take(Math.Clamp((Waiting + free.Length - 1) / free.Length, SmallestShare, MaxGroup));

            // In order, whatever concerns one aggregate or one command: after the group under way that has it too.
            foreach (var writer in busy.Where(writer => writer.Concerns(group))) await writer.UnderWay;
            free[0].Start(group);
            waited = false;
        }

        await Task.WhenAll(writers.Select(writer => writer.UnderWay));
    }

    private List<Submission> Take(int count)
    {
        var group = new List<Submission>(count);
        while (group.Count < count && waiting.Reader.TryRead(out var submission)) group.Add(submission);
        return group;
    }
}
