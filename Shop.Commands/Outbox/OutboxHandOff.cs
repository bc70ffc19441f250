using System.Threading.Channels;

namespace Shop.Commands.Outbox;

/// <summary>The events of a group, and the timestamp of its commit.</summary>
internal readonly record struct CommittedGroup(IReadOnlyList<OutboxEvent> Events, long CommittedAt);

/// <summary>
/// The hot path from the writers to the relay of the same process: a committed group is offered, and taken only while this process leads
/// the shard and has room. Whoever leads elsewhere is woken by a NOTIFY instead; what is not handed over is read from the table.
/// </summary>
internal sealed class OutboxHandOff
{
    /// <summary>Groups on their way per shard, at most; beyond it the relay reads them from the table.</summary>
    private const int Capacity = 64;

    private readonly TaskCompletionSource<int> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<int> notifications = Channel.CreateBounded<int>(new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest });
    private ShardSlot[] slots = [];

    /// <summary>Shards whose leader, elsewhere, is to be woken.</summary>
    public ChannelReader<int> Notifications => notifications.Reader;

    /// <summary>The number of shards, once the database is known to be in order.</summary>
    public Task<int> ShardCount => started.Task;

    /// <summary>How many shards this process leads.</summary>
    public int LedShards => slots.Count(slot => slot.Led);

    public void Start(int shardCount)
    {
        slots = [.. Enumerable.Range(0, shardCount).Select(_ => new ShardSlot())];
        started.TrySetResult(shardCount);
    }

    /// <summary>Offers a committed group; never waits.</summary>
    public void Offer(CommittedGroup group)
    {
        var slot = slots[group.Events[0].Shard];
        if (!slot.Led) notifications.Writer.TryWrite(group.Events[0].Shard);
        else if (!slot.Groups.Writer.TryWrite(group)) slot.Wake();
    }

    /// <summary>Says that the shard has events whose positions this process does not know.</summary>
    public void Wake(int shard)
    {
        if (slots[shard].Led) slots[shard].Wake();
        else notifications.Writer.TryWrite(shard);
    }

    public ShardSlot Slot(int shard) => slots[shard];

    /// <summary>One shard's side of the hand-off.</summary>
    internal sealed class ShardSlot
    {
        public Channel<CommittedGroup> Groups { get; } =
            Channel.CreateBounded<CommittedGroup>(new BoundedChannelOptions(Capacity) { SingleReader = true });

        /// <summary>True while this process leads the shard.</summary>
        public bool Led { get; set => Volatile.Write(ref field, value); }

        public void Wake()
        {
            // An empty group says "look at the table"; when the channel is full the relay is awake anyway.
            Groups.Writer.TryWrite(new CommittedGroup([], CommittedAt: 0));
        }
    }
}
