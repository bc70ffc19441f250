using System.Buffers.Binary;
using System.Text;

namespace Shop.Local.ServiceBus;

/// <summary>Header and annotations of a message that has no annotations of its own, written without the AMQP library: every delivery has them.</summary>
internal sealed class DeliveryFront
{
    private const int DeliveryCountField = 4;
    private const int LargestHeader = 32;
    private readonly byte[] annotations;
    private readonly int sequenceNumber;
    private readonly int enqueuedSequenceNumber;
    private readonly int enqueuedTime;
    private readonly int lockedUntil;
    private readonly int state;

    private DeliveryFront(bool locked)
    {
        List<byte> bytes = [0x00, 0x53, 0x72, 0xc1, 0, (byte)(locked ? 10 : 8)];
        sequenceNumber = Add("x-opt-sequence-number", 0x81, sizeof(long));
        enqueuedSequenceNumber = Add("x-opt-enqueue-sequence-number", 0x81, sizeof(long));
        enqueuedTime = Add("x-opt-enqueued-time", 0x83, sizeof(long));
        if (locked) lockedUntil = Add("x-opt-locked-until", 0x83, sizeof(long));
        state = Add("x-opt-message-state", 0x71, sizeof(int));
        // The size of a map counts what follows it.
        bytes[4] = (byte)(bytes.Count - 5);
        annotations = [.. bytes];

        int Add(string name, byte constructor, int size)
        {
            bytes.AddRange([0xa3, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), constructor]);
            bytes.AddRange(new byte[size]);
            return bytes.Count - size;
        }
    }

    public static DeliveryFront Locked { get; } = new(locked: true);

    public static DeliveryFront Unlocked { get; } = new(locked: false);

    public int MaxLength => LargestHeader + annotations.Length;

    /// <summary>Writes header and annotations; returns how many bytes they are.</summary>
    /// <param name="target">At least <see cref="MaxLength"/> bytes.</param>
    /// <param name="header">The list of the header that was sent, of the shape that <see cref="MessageShape.IsHeader"/> knows; empty for none.</param>
    /// <param name="entry">What is delivered.</param>
    /// <param name="messageState">0 active, 1 deferred, 2 scheduled.</param>
    public int Write(Span<byte> target, ReadOnlySpan<byte> header, MailboxEntry entry, int messageState)
    {
        ReadOnlySpan<byte> start = [0x00, 0x53, 0x70, 0xc0, 0, DeliveryCountField + 1];
        start.CopyTo(target);
        var at = start.Length;
        for (var field = 0; field < DeliveryCountField; field++)
        {
            var value = header.IsEmpty ? [] : MessageShape.Field(header, field);
            if (value.IsEmpty) value = [0x40];
            value.CopyTo(target[at..]);
            at += value.Length;
        }

        target[at] = 0x70;
        BinaryPrimitives.WriteUInt32BigEndian(target[(at + 1)..], entry.DeliveryCount);
        at += 1 + sizeof(uint);
        target[4] = (byte)(at - 5);
        var rest = target[at..];
        annotations.CopyTo(rest);
        BinaryPrimitives.WriteInt64BigEndian(rest[sequenceNumber..], entry.Message.SequenceNumber);
        BinaryPrimitives.WriteInt64BigEndian(rest[enqueuedSequenceNumber..], entry.Message.SequenceNumber);
        BinaryPrimitives.WriteInt64BigEndian(rest[enqueuedTime..], Milliseconds(entry.Message.EnqueuedAt));
        if (lockedUntil > 0) BinaryPrimitives.WriteInt64BigEndian(rest[lockedUntil..], Milliseconds(entry.LockedUntil));
        BinaryPrimitives.WriteInt32BigEndian(rest[state..], messageState);
        return at + annotations.Length;
    }

    private static long Milliseconds(DateTime time) => (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond;
}
