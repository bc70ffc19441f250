namespace Shop.Local.ServiceBus;

/// <summary>
/// The append-only log. Records are collected by the engine's thread and written in one piece by <see cref="Flush"/>; what was
/// flushed survives the end of this process, and with fsync that of the machine. Segments are dropped from the oldest on, when
/// nothing in them is wanted any more: a removal may only go when everything older has gone.
/// </summary>
internal sealed partial class MessageLog : IDisposable
{
    private readonly string directory;
    private readonly bool fsync;
    private readonly int segmentSize;
    private readonly FileStream directoryLock;
    private readonly List<LogSegment> segments = [];
    private readonly LogBuffer buffer = new();
    private readonly LogWindow window = new();
    private BrokerEngine engine = null!;
    private LogSegment active = null!;
    private long liveBytes;
    private bool isOnDisk = true;

    private MessageLog(string directory, bool fsync, int segmentSize, FileStream directoryLock)
    {
        (this.directory, this.fsync, this.segmentSize, this.directoryLock) = (directory, fsync, segmentSize, directoryLock);
    }

    /// <summary>Takes possession of a directory; <see cref="Replay(BrokerEngine)"/> is the next thing to call.</summary>
    /// <exception cref="BrokerStartException">The directory cannot be used or another broker uses it.</exception>
    public static MessageLog Open(string directory, bool fsync, int segmentSize)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BrokerStartException($"The data directory '{directory}' cannot be used: {error.Message}", error);
        }

        try
        {
            return new MessageLog(directory, fsync, segmentSize,
                new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BrokerStartException($"The data directory '{directory}' is in use by another broker or not writable.", error);
        }
    }

    /// <summary>Appends a message whose bytes are in memory.</summary>
    public void AppendMessage(StoredMessage message, ReadOnlySpan<Holding> holders)
    {
        var start = active.Length + buffer.Length;
        buffer.Begin(LogRecordType.Message);
        buffer.Mailbox(message.Destination.Id);
        buffer.Int64(message.SequenceNumber);
        buffer.Time(message.EnqueuedAt);
        buffer.Time(message.ScheduledFor);
        buffer.Mailbox((ushort)holders.Length);
        foreach (var (mailbox, entry) in holders)
        {
            buffer.Mailbox(mailbox.Id);
            WriteState(entry);
        }

        buffer.Bytes(message.Bytes);
        buffer.End();
        Account(message.Destination, message.SequenceNumber, active, start, (int)(active.Length + buffer.Length - start), holders.Length);
    }

    /// <summary>An entry's new state, in the mailbox that it is in or moves to.</summary>
    public void AppendEntry(MailboxEntry entry, ushort mailboxId)
    {
        buffer.Begin(LogRecordType.Entry);
        buffer.Mailbox(entry.Mailbox.Id);
        buffer.Int64(entry.Message.SequenceNumber);
        buffer.Mailbox(mailboxId);
        WriteState(entry);
        buffer.End();
    }

    public void AppendRemoval(MailboxEntry entry)
    {
        buffer.Begin(LogRecordType.Removal);
        buffer.Mailbox(entry.Mailbox.Id);
        buffer.Int64(entry.Message.SequenceNumber);
        buffer.End();
    }

    public void AppendSessionState(Mailbox mailbox, MessageSession session)
    {
        buffer.Begin(LogRecordType.SessionState);
        buffer.Mailbox(mailbox.Id);
        buffer.Text(session.Id);
        buffer.Bytes(session.State);
        buffer.End();
        AccountSessionState(session, active);
    }

    public static void AccountSessionState(MessageSession session, LogSegment segment)
    {
        if (session.StateSegment is not null) session.StateSegment.Live--;
        session.StateSegment = session.State is null ? null : segment;
        if (session.StateSegment is not null) session.StateSegment.Live++;
    }

    /// <summary>Writes what has been appended. Afterwards it may be acknowledged.</summary>
    /// <param name="isAwaited">False when nobody waits for it: then it reaches the disk with what is awaited next.</param>
    public void Flush(bool isAwaited = true)
    {
        if (buffer.Length > 0)
        {
            RandomAccess.Write(active.Handle, buffer.Written, active.Length);
            active.Length += buffer.Length;
            buffer.Clear();
            isOnDisk = false;
        }

        if (!fsync || !isAwaited || isOnDisk) return;
        RandomAccess.FlushToDisk(active.Handle);
        isOnDisk = true;
    }

    /// <summary>The bytes of a message that are no longer in memory.</summary>
    public byte[] Read(StoredMessage message) => Load(message.Destination, message.SequenceNumber).Bytes!;

    /// <summary>A message as it was stored.</summary>
    public StoredMessage Load(Destination destination, long sequenceNumber)
    {
        if (!destination.Places.TryGet(sequenceNumber, out var place))
            throw new InvalidDataException($"The log has no message {sequenceNumber} of '{destination.Name}'.");
        var unwritten = place.Segment == active?.Number ? place.Offset - active.Length : -1;
        var record = new LogReader(unwritten >= 0
            ? buffer.Written.Slice((int)unwritten, place.Length)[(LogBuffer.HeaderSize + 1)..]
            : window.Read(SegmentOf(place), place)[(LogBuffer.HeaderSize + 1)..]);
        return MessageRecord.Read(ref record).ToMessage(destination);
    }

    /// <summary>One more mailbox holds a message.</summary>
    public static void AddHolder(StoredMessage message) => message.Destination.Places.GetOrAdd(message.SequenceNumber).Holders++;

    /// <summary>A mailbox has let go of a message; nobody wants its record when it was the last one.</summary>
    public void Release(Destination destination, long sequenceNumber)
    {
        if (!destination.Places.TryGet(sequenceNumber, out _)) return;
        ref var place = ref destination.Places.GetOrAdd(sequenceNumber);
        if (--place.Holders > 0) return;
        SegmentOf(place).Live--;
        liveBytes -= place.Length;
        destination.Places.Remove(sequenceNumber);
    }

    public void Dispose()
    {
        Flush();
        foreach (var segment in segments) segment.Dispose();
        directoryLock.Dispose();
    }

    private LogSegment SegmentOf(LogPlace place) => segments[place.Segment - segments[0].Number];

    private void Account(Destination destination, long sequenceNumber, LogSegment segment, long offset, int length, int holders)
    {
        ref var place = ref destination.Places.GetOrAdd(sequenceNumber);
        if (place.Segment != 0)
        {
            SegmentOf(place).Live--;
            liveBytes -= place.Length;
        }

        place = new LogPlace { Segment = segment.Number, Offset = (uint)offset, Length = length, Holders = holders };
        segment.Live++;
        liveBytes += length;
    }

    /// <param name="entry">Null when nothing has happened to the message.</param>
    private void WriteState(MailboxEntry? entry)
    {
        buffer.Int32((int)(entry?.DeliveryCount ?? 0));
        buffer.Byte(entry is { Deferred: true } ? (byte)1 : (byte)0);
        buffer.Bytes(entry?.Overrides);
    }

    private void BeginSegment()
    {
        active = LogSegment.Create(directory, segments.Count == 0 ? 1 : segments[^1].Number + 1);
        segments.Add(active);
        buffer.Begin(LogRecordType.Names);
        buffer.Int32(engine.Mailboxes.Count);
        foreach (var mailbox in engine.Mailboxes)
        {
            buffer.Mailbox(mailbox.Id);
            buffer.Text(mailbox.Name);
        }

        buffer.Int32(engine.Destinations.Count);
        foreach (var destination in engine.Destinations.Values)
        {
            buffer.Mailbox(destination.Id);
            buffer.Text(destination.Name);
            buffer.Int64(destination.NextSequenceNumber);
        }

        buffer.End();
    }
}
