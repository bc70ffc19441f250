using System.Globalization;

namespace Shop.Local.ServiceBus;

internal sealed partial class MessageLog
{
    private readonly Dictionary<ushort, Mailbox> mailboxesById = [];
    private readonly Dictionary<ushort, Destination> destinationsById = [];
    private readonly Dictionary<string, Mailbox> orphans = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Builds the engine's state from the segments, cuts a torn tail, and begins a new segment.</summary>
    /// <exception cref="BrokerStartException">A segment other than the last is damaged, or holds messages of an entity that is not defined.</exception>
    public void Replay(BrokerEngine target)
    {
        engine = target;
        try
        {
            foreach (var path in Directory.GetFiles(directory, "*" + LogSegment.Extension).Order(StringComparer.Ordinal))
            {
                if (!int.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out _))
                    throw new BrokerStartException($"'{path}' does not belong into a data directory of the broker.");
                segments.Add(LogSegment.Open(path));
                if (segments[^1].Number - segments[0].Number != segments.Count - 1) throw new BrokerStartException($"The log segment before '{path}' is missing.");
            }

            for (var i = 0; i < segments.Count; i++) Replay(segments[i], isLast: i == segments.Count - 1);
            if (orphans.Values.FirstOrDefault(mailbox => mailbox.Index.Count > 0) is { } orphan)
            {
                throw new BrokerStartException(
                    $"The data directory '{directory}' holds {orphan.Index.Count} messages of '{orphan.Name}', which is not defined.");
            }

            foreach (var mailbox in engine.Mailboxes)
            {
                foreach (var (_, entry) in mailbox.Index.From(0).ToList())
                {
                    if (entry is not null) mailbox.Place(entry);
                }
            }

            BeginSegment();
            Flush();
            Compact();
        }
        catch (Exception error) when (error is IOException or Amqp.AmqpException or UnauthorizedAccessException or InvalidDataException or ArgumentOutOfRangeException or KeyNotFoundException)
        {
            throw new BrokerStartException($"The data directory '{directory}' is damaged: {error.Message}", error);
        }
    }

    private void Replay(LogSegment segment, bool isLast)
    {
        var reader = new SegmentReader(segment);
        while (reader.TryRead(out var type, out var payload)) Replay(segment, reader.RecordStart, type, payload);
        if (reader.Position == segment.Length) return;
        if (!isLast) throw new BrokerStartException($"The log segment '{segment.Path}' is damaged at byte {reader.Position}.");
        // The end of what was being written when the last process died; nobody was told that it is there.
        RandomAccess.SetLength(segment.Handle, reader.Position);
        segment.Length = reader.Position;
    }

    private void Replay(LogSegment segment, long recordStart, LogRecordType type, ReadOnlySpan<byte> payload)
    {
        var reader = new LogReader(payload);
        switch (type)
        {
            case LogRecordType.Names:
                ReplayNames(ref reader);
                break;
            case LogRecordType.Message:
                ReplayMessage(segment, recordStart, ref reader, LogBuffer.HeaderSize + 1 + payload.Length);
                break;
            case LogRecordType.Entry:
                ReplayEntry(ref reader);
                break;
            case LogRecordType.Removal:
                mailboxesById[reader.Mailbox()].Drop(reader.Int64());
                break;
            case LogRecordType.SessionState:
                mailboxesById[reader.Mailbox()].RestoreSessionState(reader.Text(), reader.Bytes(), segment);
                break;
            default:
                throw new InvalidDataException($"{segment.Path} has a record of an unknown kind.");
        }
    }

    private void ReplayNames(ref LogReader reader)
    {
        for (var count = reader.Int32(); count > 0; count--)
        {
            var id = reader.Mailbox();
            mailboxesById[id] = MailboxNamed(reader.Text());
        }

        for (var count = reader.Int32(); count > 0; count--)
        {
            var (id, name) = (reader.Mailbox(), reader.Text());
            if (!engine.Destinations.TryGetValue(name, out var destination)) destination = new Destination(name, id, null);
            destination.NextSequenceNumber = Math.Max(destination.NextSequenceNumber, reader.Int64());
            destinationsById[id] = destination;
        }
    }

    private Mailbox MailboxNamed(string name)
    {
        if (engine.MailboxesByName.TryGetValue(name, out var mailbox)) return mailbox;
        if (!orphans.TryGetValue(name, out mailbox)) orphans[name] = mailbox = new Mailbox(engine, name, 0, new ReceiveProperties());
        return mailbox;
    }

    private void ReplayMessage(LogSegment segment, long recordStart, ref LogReader reader, int recordLength)
    {
        var record = MessageRecord.Read(ref reader);
        var destination = destinationsById[record.DestinationId];
        // A message that was being moved to the end of the log when the process died is there twice.
        foreach (var state in record.States) mailboxesById[state.MailboxId].Drop(record.SequenceNumber);
        Account(destination, record.SequenceNumber, segment, recordStart, recordLength, record.States.Length);
        var message = record.ToMessage(destination);
        foreach (var state in record.States)
        {
            var mailbox = mailboxesById[state.MailboxId];
            if (state.IsUntouched && mailbox.TryRest(message, isCrowded: true)) continue;
            var entry = mailbox.Hold(message);
            (entry.DeliveryCount, entry.Deferred, entry.Overrides) = (state.DeliveryCount, state.Deferred, state.Overrides);
        }

        message.Bytes = null;
        destination.NextSequenceNumber = Math.Max(destination.NextSequenceNumber, record.SequenceNumber + 1);
    }

    private void ReplayEntry(ref LogReader reader)
    {
        var mailbox = mailboxesById[reader.Mailbox()];
        var sequenceNumber = reader.Int64();
        var target = mailboxesById[reader.Mailbox()];
        if (!mailbox.Index.TryGet(sequenceNumber, out var entry))
        {
            if (!mailbox.Index.IsResting(sequenceNumber)) return;
            entry = mailbox.Wake(sequenceNumber);
        }

        entry.DeliveryCount = (uint)reader.Int32();
        entry.Deferred = reader.Byte() == 1;
        entry.Overrides = reader.Bytes();
        if (target == mailbox) return;
        target.Receive(entry);
        mailbox.Forget(entry);
    }
}
