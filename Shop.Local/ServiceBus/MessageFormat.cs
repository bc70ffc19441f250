using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace Shop.Local.ServiceBus;

/// <summary>One section of an encoded message: its descriptor's code and where it lies.</summary>
internal readonly record struct MessageSection(ulong Code, int Start, int ValueStart, int End)
{
    public ReadOnlySpan<byte> ValueIn(byte[] message) => message.AsSpan(ValueStart..End);
}

/// <summary>What the broker reads of a message; the body stays as it came, and properties are decoded when somebody asks.</summary>
internal sealed class IncomingMessage(byte[] encoded)
{
    private MessageSection propertiesSection;
    private MessageSection applicationPropertiesSection;

    public byte[] Encoded { get; } = encoded;

    public TimeSpan? TimeToLive { get; set; }

    public DateTime ScheduledFor { get; set; }

    public Properties? Properties => field ??= propertiesSection.Code == 0 ? null : MessageFormat.Decode(Encoded, propertiesSection).Properties;

    public ApplicationProperties? ApplicationProperties =>
        field ??= applicationPropertiesSection.Code == 0 ? null : MessageFormat.Decode(Encoded, applicationPropertiesSection).ApplicationProperties;

    /// <summary>Takes note of a section; decodes it at once when it is unusual, to see that it can be.</summary>
    public void SetProperties(MessageSection section)
    {
        propertiesSection = section;
        if (!MessageShape.AreProperties(section.ValueIn(Encoded))) _ = Properties;
    }

    public void SetApplicationProperties(MessageSection section)
    {
        applicationPropertiesSection = section;
        if (!MessageShape.AreApplicationProperties(section.ValueIn(Encoded))) _ = ApplicationProperties;
    }
}

/// <summary>Takes encoded messages apart and puts them together again around an untouched body.</summary>
internal static class MessageFormat
{
    /// <summary>The message format of a Service Bus batch: every data section is a message of its own.</summary>
    public const uint Batch = 0x80013700;

    private const ulong HeaderCode = 0x70, MessageAnnotationsCode = 0x72, PropertiesCode = 0x73,
        ApplicationPropertiesCode = 0x74, DataCode = 0x75, SequenceCode = 0x76, ValueCode = 0x77, FooterCode = 0x78;

    private static readonly Symbol ScheduledEnqueueTime = new("x-opt-scheduled-enqueue-time");
    private static readonly Symbol SequenceNumber = new("x-opt-sequence-number");
    private static readonly Symbol EnqueuedSequenceNumber = new("x-opt-enqueue-sequence-number");
    private static readonly Symbol EnqueuedTime = new("x-opt-enqueued-time");
    private static readonly Symbol LockedUntil = new("x-opt-locked-until");
    private static readonly Symbol MessageState = new("x-opt-message-state");
    private static readonly Symbol DeadLetterSource = new("x-opt-deadletter-source");

    /// <summary>Reads what decides about a message's fate.</summary>
    /// <remarks>
    /// Everything but the body is looked over, and the body's structure is checked: a receiver's library hangs up on a message that it cannot
    /// decode, so that one such message would keep everyone from receiving.
    /// </remarks>
    /// <exception cref="InvalidDataException">This is no AMQP message.</exception>
    public static IncomingMessage Parse(byte[] encoded)
    {
        var message = new IncomingMessage(encoded);
        ulong last = 0;
        var hasBody = false;
        for (var offset = 0; offset < encoded.Length;)
        {
            var section = ReadSection(encoded, offset);
            CheckOrder(last, section.Code);
            (offset, last) = (section.End, section.Code);
            switch (section.Code)
            {
                case HeaderCode:
                    var header = section.ValueIn(encoded);
                    var ttl = MessageShape.IsHeader(header) ? MessageShape.UInt(MessageShape.Field(header, 2)) : Decode(encoded, section).Header.Ttl;
                    // A ttl of 0 is as good as none, as Service Bus does not expire at once either.
                    if (ttl > 0) message.TimeToLive = TimeSpan.FromMilliseconds(ttl);
                    break;
                case MessageAnnotationsCode:
                    if (Decode(encoded, section).MessageAnnotations?.Map[ScheduledEnqueueTime] is DateTime time) message.ScheduledFor = time;
                    break;
                case PropertiesCode:
                    message.SetProperties(section);
                    break;
                case ApplicationPropertiesCode:
                    message.SetApplicationProperties(section);
                    break;
                case > ApplicationPropertiesCode:
                    hasBody |= section.Code < FooterCode;
                    break;
            }
        }

        return hasBody ? message : throw new InvalidDataException("A message without a body.");
    }

    /// <summary>The messages of a Service Bus batch.</summary>
    /// <exception cref="InvalidDataException">This is no batch.</exception>
    public static List<byte[]> SplitBatch(byte[] batch)
    {
        List<byte[]> messages = [];
        for (var offset = 0; offset < batch.Length;)
        {
            var section = ReadSection(batch, offset);
            offset = section.End;
            if (section.Code != DataCode) continue;
            var prefix = batch[section.ValueStart] switch
            {
                0xa0 => 2,
                0xb0 => 5,
                _ => throw new InvalidDataException("A data section without binary data."),
            };
            messages.Add(batch.AsSpan((section.ValueStart + prefix)..section.End).ToArray());
        }

        return messages.Count > 0 ? messages : throw new InvalidDataException("An empty batch.");
    }

    /// <summary>The message as a receiver gets it: a fresh header and annotations in front of the bytes that were sent.</summary>
    public static ByteBuffer EncodeDelivery(byte[] stored, MailboxEntry entry, string? deadLetterSource, bool locked)
    {
        if (entry.Overrides is null && deadLetterSource is null && TryEncodePlain(stored, entry, locked) is { } plain) return plain;
        var buffer = new ByteBuffer(stored.Length + 256 + (entry.Overrides?.Length ?? 0), true);
        Header? header = null;
        MessageAnnotations? annotations = null;
        ApplicationProperties? properties = null;
        int front = 0, propertiesStart = -1, bodyStart = 0;
        for (var offset = 0; offset < stored.Length;)
        {
            var section = ReadSection(stored, offset);
            if (section.Code > (entry.Overrides is null ? MessageAnnotationsCode : ApplicationPropertiesCode)) break;
            offset = section.End;
            if (section.Code == HeaderCode) header = Decode(stored, section).Header;
            if (section.Code == MessageAnnotationsCode) annotations = Decode(stored, section).MessageAnnotations;
            if (section.Code <= MessageAnnotationsCode) front = section.End;
            if (section.Code == ApplicationPropertiesCode)
            {
                propertiesStart = section.Start;
                properties = Decode(stored, section).ApplicationProperties;
            }

            bodyStart = section.End;
        }

        header ??= new Header();
        header.DeliveryCount = entry.DeliveryCount;
        header.Encode(buffer);
        annotations ??= new MessageAnnotations();
        Annotate(annotations.Map, entry, deadLetterSource, locked);
        annotations.Encode(buffer);
        if (entry.Overrides is null)
        {
            AmqpBitConverter.WriteBytes(buffer, stored, front, stored.Length - front);
            return buffer;
        }

        AmqpBitConverter.WriteBytes(buffer, stored, front, (propertiesStart < 0 ? bodyStart : propertiesStart) - front);
        Override(properties ?? new ApplicationProperties(), entry.Overrides).Encode(buffer);
        AmqpBitConverter.WriteBytes(buffer, stored, bodyStart, stored.Length - bodyStart);
        return buffer;
    }

    /// <summary>Application properties that replace those of a message, for the log.</summary>
    public static byte[] EncodeOverrides(Map values)
    {
        var buffer = new ByteBuffer(128, true);
        Encoder.WriteObject(buffer, values);
        return buffer.Buffer.AsSpan(buffer.Offset, buffer.Length).ToArray();
    }

    public static Map DecodeOverrides(byte[] encoded) => (Map)Encoder.ReadObject(new ByteBuffer(encoded, 0, encoded.Length, encoded.Length));

    private static ApplicationProperties Override(ApplicationProperties properties, byte[] overrides)
    {
        foreach (var (key, value) in DecodeOverrides(overrides)) properties.Map[key] = value;
        return properties;
    }

    private static void Annotate(Map map, MailboxEntry entry, string? deadLetterSource, bool locked)
    {
        map[SequenceNumber] = entry.Message.SequenceNumber;
        map[EnqueuedSequenceNumber] = entry.Message.SequenceNumber;
        map[EnqueuedTime] = entry.Message.EnqueuedAt;
        if (locked) map[LockedUntil] = entry.LockedUntil;
        map[MessageState] = StateOf(entry);
        if (deadLetterSource is not null) map[DeadLetterSource] = deadLetterSource;
    }

    private static int StateOf(MailboxEntry entry) => entry.State is EntryState.Scheduled ? 2 : entry.Deferred ? 1 : 0;

    /// <summary>The delivery of a message without annotations of its own, which nearly all are; null for others.</summary>
    private static ByteBuffer? TryEncodePlain(byte[] stored, MailboxEntry entry, bool locked)
    {
        var first = ReadSection(stored, 0);
        var header = first.Code == HeaderCode ? first.ValueIn(stored) : [];
        var rest = first.Code == HeaderCode ? first.End : 0;
        if (!header.IsEmpty && !MessageShape.IsHeader(header)) return null;
        if (rest < stored.Length && WireFormat.ReadDescriptor(stored.AsSpan(rest)).Code <= MessageAnnotationsCode) return null;
        var front = locked ? DeliveryFront.Locked : DeliveryFront.Unlocked;
        var bytes = new byte[front.MaxLength + stored.Length - rest];
        var length = front.Write(bytes, header, entry, StateOf(entry));
        stored.AsSpan(rest).CopyTo(bytes.AsSpan(length));
        length += stored.Length - rest;
        return new ByteBuffer(bytes, 0, length, bytes.Length);
    }

    /// <summary>Sections come in the order of their codes; only data and sequences may be repeated, and a body is of one kind.</summary>
    private static void CheckOrder(ulong last, ulong code)
    {
        var isRepeatedBody = code == last && (code is DataCode or SequenceCode);
        var isSecondBody = (last is DataCode or SequenceCode or ValueCode) && code < FooterCode;
        if (!isRepeatedBody && (code <= last || isSecondBody)) throw new InvalidDataException("The sections of a message are out of order.");
    }

    private static MessageSection ReadSection(byte[] message, int offset)
    {
        var rest = message.AsSpan(offset);
        var (code, valueStart) = WireFormat.ReadDescriptor(rest);
        if (code is < HeaderCode or > FooterCode) throw new InvalidDataException("A message has a section of an unknown kind.");
        var value = rest[valueStart..];
        var size = WireFormat.Measure(value);
        var isAsItShouldBe = code switch
        {
            DataCode => value[0] is 0xa0 or 0xb0,
            ValueCode => true,
            HeaderCode or PropertiesCode or SequenceCode => value[0] is 0x45 or 0xc0 or 0xd0,
            _ => value[0] is 0xc1 or 0xd1,
        };
        if (!isAsItShouldBe) throw new InvalidDataException("A section has a value of the wrong type.");
        return new MessageSection(code, offset, offset + valueStart, offset + valueStart + size);
    }

    public static Message Decode(byte[] message, MessageSection section)
    {
        var length = section.End - section.Start;
        return Message.Decode(new ByteBuffer(message, section.Start, length, length));
    }
}
