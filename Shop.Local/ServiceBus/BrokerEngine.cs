using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Security.Cryptography;
using Amqp;

namespace Shop.Local.ServiceBus;

/// <summary>
/// The broker's state and its only writer. Operations of all connections are applied in batches on one thread, so nothing here is
/// locked: apply, hand out messages, write the batch to the log, and only then answer and send.
/// </summary>
internal sealed partial class BrokerEngine(TimeProvider time, MessageLog? log, long bodyCacheSize, BrokerFaults? faults = null)
{
    /// <summary>Connections are not read while more than this waits to be applied.</summary>
    private const long MaxWaitingBytes = 32 * 1024 * 1024;

    private readonly object gate = new();
    private readonly List<(ConsumerLink Consumer, MailboxEntry Entry, Guid Token, ByteBuffer? Encoded)> sends = [];
    private readonly List<Action> afterCommit = [];
    private readonly List<StoredMessage> uncached = [];
    private readonly TaskCompletionSource completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] lockToken = RandomNumberGenerator.GetBytes(16);
    private List<Operation> waiting = [];
    private List<Operation> working = [];
    private long waitingBytes;
    private long cachedBytes;
    private bool isStopping;
    private TaskCompletionSource? room;

    public DateTime Now { get; private set; } = time.GetUtcNow().UtcDateTime;

    public MessageLog? Log { get; } = log;

    public BrokerFaults Faults { get; } = faults ?? new BrokerFaults(null, null);

    public List<Mailbox> Dirty { get; } = [];

    public IReadOnlyList<Mailbox> Mailboxes { get; private set; } = [];

    public FrozenDictionary<string, Destination> Destinations { get; private set; } = FrozenDictionary<string, Destination>.Empty;

    public FrozenDictionary<string, Mailbox> MailboxesByName { get; private set; } = FrozenDictionary<string, Mailbox>.Empty;

    /// <summary>Ends when the engine has stopped; faulted when it could not go on (the disk is full, say).</summary>
    public Task Completion => completion.Task;

    public void Define(IReadOnlyList<Destination> destinations, IReadOnlyList<Mailbox> mailboxes)
    {
        Mailboxes = mailboxes;
        Destinations = destinations.ToFrozenDictionary(destination => destination.Name, StringComparer.OrdinalIgnoreCase);
        MailboxesByName = mailboxes.ToFrozenDictionary(mailbox => mailbox.Name, StringComparer.OrdinalIgnoreCase);
    }

    public void Start() => new Thread(Run) { IsBackground = true, Name = "Service Bus engine" }.Start();

    public Task StopAsync()
    {
        lock (gate)
        {
            isStopping = true;
            Monitor.Pulse(gate);
        }

        return completion.Task;
    }

    public void Post(Operation operation)
    {
        lock (gate)
        {
            waiting.Add(operation);
            waitingBytes += operation.Size;
            if (waiting.Count == 1) Monitor.Pulse(gate);
        }
    }

    /// <summary>Back-pressure: a connection awaits this before it reads on.</summary>
    public ValueTask WaitForRoomAsync()
    {
        if (Volatile.Read(ref waitingBytes) < MaxWaitingBytes) return ValueTask.CompletedTask;
        lock (gate)
        {
            if (waitingBytes < MaxWaitingBytes) return ValueTask.CompletedTask;
            room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask(room.Task);
        }
    }

    /// <summary>Sends a message to a receiver after the batch is written. A message without a lock token is encoded now, since it is gone then.</summary>
    public void Send(ConsumerLink consumer, MailboxEntry entry, Guid token) =>
        sends.Add((consumer, entry, token, token == Guid.Empty ? Encode(entry, locked: false) : null));

    /// <summary>Different in every run of the broker, so that no token of an earlier one opens anything; within one, counted.</summary>
    public Guid NextLockToken()
    {
        BinaryPrimitives.WriteInt64LittleEndian(lockToken, BinaryPrimitives.ReadInt64LittleEndian(lockToken) + 1);
        return new Guid(lockToken);
    }

    public void AfterCommit(Action action) => afterCommit.Add(action);

    /// <summary>Whether message bodies fill the memory that is meant for them.</summary>
    public bool IsCrowded => cachedBytes > bodyCacheSize;

    /// <summary>Counts a message that has come into memory; a log allows to let its bytes go after the batch.</summary>
    public void Cache(StoredMessage message)
    {
        cachedBytes += message.Length;
        if (Log is not null && IsCrowded) uncached.Add(message);
    }

    /// <summary>Counts a message that was read back: its bytes go after the batch.</summary>
    public void CacheForNow(StoredMessage message)
    {
        cachedBytes += message.Length;
        uncached.Add(message);
    }

    public void Evict(StoredMessage message)
    {
        if (message.Bytes is null) return;
        message.Bytes = null;
        cachedBytes -= message.Length;
    }

    public ByteBuffer Encode(MailboxEntry entry, bool locked) =>
        MessageFormat.EncodeDelivery(entry.Message.Bytes ?? Log!.Read(entry.Message), entry, entry.Mailbox.DeadLetterSource?.Name, locked);
}
