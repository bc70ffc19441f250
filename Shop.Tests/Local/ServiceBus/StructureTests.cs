using CsCheck;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

public sealed class StructureTests
{
    [Fact]
    public void Measuring_any_bytes_ends_with_a_size_or_a_refusal() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        try
        {
            Assert.InRange(WireFormat.Measure(bytes), 1, bytes.Length);
        }
        catch (InvalidDataException)
        {
            // The refusal.
        }
    });

    [Fact]
    public void Parsing_any_bytes_as_a_message_ends_with_a_message_or_a_refusal() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        try
        {
            MessageFormat.Parse([0, 0x53, .. bytes]);
        }
        catch (Exception error) when (error is InvalidDataException or Amqp.AmqpException or ArgumentException or InvalidCastException or IndexOutOfRangeException)
        {
            // The refusals that the publisher link answers.
        }
    });

    [Fact]
    public void A_sequence_index_is_a_sorted_map() => Gen.Select(Gen.Int[0, 5000].HashSet[0, 300], Gen.Int[0, 5000].HashSet[0, 300], Gen.Int[0, 6000]).Sample((add, remove, from) =>
    {
        var mailbox = NewMailbox();
        var index = new SequenceIndex();
        foreach (var number in add)
        {
            if (IsResting(number)) index.AddResting(number);
            else index.Add(Entry(mailbox, number));
        }

        foreach (var number in remove) index.Remove(number);
        var expected = add.Except(remove).Order().ToList();
        Assert.Equal((expected.Count, expected.Count(IsResting)), (index.Count, index.RestingCount));
        Assert.Equal(
            expected.Where(number => number >= from).Select(number => (number, IsResting(number))),
            index.From(from).Select(item => ((int)item.SequenceNumber, item.Entry is null)));
        Assert.All(remove, number => Assert.False(index.TryGet(number, out _) || index.IsResting(number)));
        Assert.Equal(expected.Where(IsResting).Select(number => (long)number).FirstOrDefault(long.MaxValue), index.FirstResting);

        // Waking one after the other leaves a plain index.
        while (index.RestingCount > 0) index.Add(Entry(mailbox, index.FirstResting));
        Assert.Equal((long.MaxValue, expected.Count), (index.FirstResting, index.InMemoryCount));
        static bool IsResting(int number) => number % 3 != 0;
    });

    [Fact]
    public void A_ready_queue_gives_the_lowest_number_first_whatever_comes_back() => Gen.Int[0, 100].Array[1, 100].Sample(returns =>
    {
        var mailbox = NewMailbox();
        var queue = new ReadyQueue();
        for (var i = 0; i < 101; i++) queue.Add(Entry(mailbox, i));
        List<MailboxEntry> taken = [];
        while (queue.TryTake(out var entry)) taken.Add(entry);
        Assert.Equal(Enumerable.Range(0, 101), taken.Select(entry => (int)entry.Message.SequenceNumber));
        foreach (var number in returns.Distinct()) queue.Add(taken[number]);
        taken[returns[0]].State = EntryState.Removed;
        List<int> again = [];
        while (queue.TryTake(out var entry)) again.Add((int)entry.Message.SequenceNumber);
        Assert.Equal(returns.Distinct().Except([returns[0]]).Order(), again);
    });

    private static Mailbox NewMailbox() => new(new BrokerEngine(TimeProvider.System, null, 0), "m", 1, new ReceiveProperties());

    private static MailboxEntry Entry(Mailbox mailbox, long number) => new(new StoredMessage
    {
        Destination = new Destination("d", 1, null),
        SequenceNumber = number,
        EnqueuedAt = default,
        Length = 0,
    }, mailbox);
}
