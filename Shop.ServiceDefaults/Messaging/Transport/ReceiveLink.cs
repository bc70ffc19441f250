using System.Threading.Channels;
using Amqp;
using Amqp.Framing;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>
/// An attached receiver. Keeps the ledger of credit: what the broker may still send plus what is held here never exceeds the prefetch,
/// so the channel never overflows and a slow consumer slows the broker, not memory.
/// </summary>
internal sealed class ReceiveLink
{
    private readonly Lock gate = new();
    private readonly LinkedList<ReceivedEvent> held = new();
    private readonly AmqpConnection connection;
    private readonly ReceiverLink link;
    private readonly EventReceiverOptions options;

    /// <summary>RabbitMQ takes a flow's credit as new, whatever is under way: more may be given only when all has been used.</summary>
    private readonly bool creditIsAbsolute;

    private readonly TimeProvider time;
    private readonly Channel<ReceivedEvent> arrived;
    private int credit;
    private bool paused;
    private long lastMoved;

    private ReceiveLink(
        AmqpConnection connection, ReceiverLink link, string address, EventReceiverOptions options, BusDialect dialect, bool paused, TimeProvider time)
    {
        creditIsAbsolute = dialect == BusDialect.RabbitMq;
        (this.connection, this.link, this.options, this.time, this.paused) = (connection, link, options, time, paused);
        Address = address;
        arrived = Channel.CreateBounded<ReceivedEvent>(new BoundedChannelOptions(options.Prefetch) { SingleWriter = true });
        link.AddClosedCallback((_, _) => arrived.Writer.TryComplete());
    }

    public string Address { get; }

    public Task<string> Closed => connection.Closed;

    public ChannelReader<ReceivedEvent> Arrived => arrived.Reader;

    public AmqpConnection Connection => connection;

    public static async Task<ReceiveLink> AttachAsync(
        AmqpConnection connection, string address, EventReceiverOptions options, BusDialect dialect, bool paused, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var name = "receive-" + Guid.CreateVersion7().ToString("N");
        var (link, _) = await connection.AttachAsync(
            (session, attached) => new ReceiverLink(
                session, name, new Attach { Source = new Source { Address = address }, Target = new Target { Address = name } }, attached),
            cancellationToken);
        var receive = new ReceiveLink(connection, link, address, options, dialect, paused, time);
        // Without credit yet: it says which callback the messages go to.
        link.Start(0, receive.OnMessage);
        receive.TopUp();
        return receive;
    }

    /// <summary>Sends the outcome of one message; false when the connection it came on is gone (it will come again).</summary>
    public bool Settle(ReceivedEvent received, DeliveryState outcome)
    {
        Forget(received);
        if (connection.Closed.IsCompleted || link.IsClosed) return false;
        try
        {
            link.Complete(received.Message, outcome);
            return true;
        }
        catch (Exception exception) when (exception is AmqpException or ObjectDisposedException)
        {
            // The connection went between the question and the answer; the broker gives the message out again.
            connection.Abort(AmqpConnection.Describe(exception));
            return false;
        }
    }

    /// <summary>Gives the broker the credit that settling has freed, in steps of a quarter so that flow frames stay few.</summary>
    public void TopUp()
    {
        lock (gate)
        {
            if (paused || link.IsClosed) return;
            var free = options.Prefetch - credit - held.Count;
            if (free <= 0 || (credit > 0 && (creditIsAbsolute || free < options.Prefetch / 4))) return;
            credit += free;
            try
            {
                link.SetCredit(free, CreditMode.Manual);
            }
            catch (Exception exception) when (exception is AmqpException or ObjectDisposedException)
            {
                // The connection went meanwhile, which is no fault of whoever settles or resumes: the next link begins with its own credit.
                connection.Abort(AmqpConnection.Describe(exception));
            }
        }
    }

    /// <summary>
    /// From now on whatever still comes goes straight back. Credit cannot be withdrawn (messages may be under way, and the library ends
    /// the connection when one comes without credit), so what is left of it runs out.
    /// </summary>
    public void Pause()
    {
        lock (gate) paused = true;
        while (arrived.Reader.TryRead(out var received)) Release(received);
    }

    public void Resume()
    {
        lock (gate) paused = false;
        TopUp();
    }

    /// <summary>Everything unsettled, taken by the consumer or not, goes back.</summary>
    public void ReleaseAll()
    {
        ReceivedEvent[] all;
        lock (gate) all = [.. held];
        Volatile.Write(ref lastMoved, time.GetTimestamp());
        foreach (var received in all) Release(received);
    }

    /// <summary>Moves what is to be renewed now to the end of the list, with a new time that keeps it from being asked for twice.</summary>
    public List<ReceivedEvent> TakeDueForRenewal(DateTimeOffset now, DateTimeOffset next, int max)
    {
        List<ReceivedEvent> due = [];
        lock (gate)
        {
            while (due.Count < max && held.First is { } first && first.Value.RenewAt <= now)
            {
                first.Value.RenewAt = next;
                held.RemoveFirst();
                held.AddLast(first);
                due.Add(first.Value);
            }
        }

        return due;
    }

    public void SetRenewal(List<ReceivedEvent> renewed, DateTimeOffset renewAt)
    {
        lock (gate)
        {
            foreach (var received in renewed) received.RenewAt = renewAt;
        }
    }

    /// <summary>Settled, or its lock is lost and the broker gives it out again: it counts no longer as held.</summary>
    public void Forget(ReceivedEvent received)
    {
        lock (gate)
        {
            if (received.Held is { } node) held.Remove(node);
            received.Held = null;
        }
    }

    /// <summary>Whether a message came within the last <paramref name="span"/>, or may still because releasing has only just begun.</summary>
    public bool HasMovedSince(TimeSpan span) => time.GetElapsedTime(Volatile.Read(ref lastMoved)) < span;

    private void Release(ReceivedEvent received)
    {
        if (received.TrySettle()) Settle(received, new Released());
    }

    // Runs on the connection's thread: no waiting, no throwing.
    private void OnMessage(IReceiverLink receiver, Message message)
    {
        var received = new ReceivedEvent(message, this, options.MaxDataBytes, time.GetUtcNow());
        Volatile.Write(ref lastMoved, time.GetTimestamp());
        bool taken, spent;
        lock (gate)
        {
            spent = --credit == 0;
            taken = !paused;
            if (taken)
            {
                received.Held = held.AddLast(received);
                // Here, so that whoever pauses finds it: later it would lie in the channel of a paused receiver.
                taken = arrived.Writer.TryWrite(received);
            }
        }

        if (!taken) Release(received);
        if (spent) TopUp();
    }
}
