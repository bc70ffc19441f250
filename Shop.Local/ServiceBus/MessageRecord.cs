namespace Shop.Local.ServiceBus;

/// <summary>A mailbox that holds a message, with its entry or, when the message rests in the log, without.</summary>
internal readonly record struct Holding(Mailbox Mailbox, MailboxEntry? Entry = null);

/// <summary>What a mailbox has of a message, as a record of the log says.</summary>
internal readonly record struct HoldingState(ushort MailboxId, uint DeliveryCount, bool Deferred, byte[]? Overrides)
{
    public bool IsUntouched => DeliveryCount == 0 && !Deferred && Overrides is null;
}

/// <summary>A message as it is in the log, with those who held it when it was written.</summary>
internal readonly record struct MessageRecord(
    ushort DestinationId, long SequenceNumber, DateTime EnqueuedAt, DateTime ScheduledFor, HoldingState[] States, byte[] Bytes)
{
    public static MessageRecord Read(ref LogReader reader)
    {
        var (destinationId, sequenceNumber, enqueuedAt, scheduledFor) = (reader.Mailbox(), reader.Int64(), reader.Time(), reader.Time());
        var states = new HoldingState[reader.Mailbox()];
        for (var i = 0; i < states.Length; i++) states[i] = new(reader.Mailbox(), (uint)reader.Int32(), reader.Byte() == 1, reader.Bytes());
        return new(destinationId, sequenceNumber, enqueuedAt, scheduledFor, states,
            reader.Bytes() ?? throw new InvalidDataException("A message record without a message."));
    }

    public StoredMessage ToMessage(Destination destination)
    {
        var incoming = MessageFormat.Parse(Bytes);
        return new StoredMessage
        {
            Destination = destination,
            SequenceNumber = SequenceNumber,
            EnqueuedAt = EnqueuedAt,
            ScheduledFor = ScheduledFor,
            TimeToLive = incoming.TimeToLive,
            SessionId = destination.HasSessions ? incoming.Properties?.GroupId : null,
            Bytes = Bytes,
            Length = Bytes.Length,
        };
    }
}
