using System.Net.Sockets;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;
using Amqp.Transactions;

namespace Shop.Local.ServiceBus;

/// <summary>A message on its way to a receiver: the delivery tag is its lock token.</summary>
internal sealed class OutgoingMessage(MailboxEntry? entry, Guid token) : Message
{
    public MailboxEntry? Entry { get; } = entry;

    public Guid Token { get; } = token;
}

/// <summary>
/// A link on which a client receives. The AMQP library's own credit count is wrong after a flow that does not raise the credit, and it
/// never says so, hence the count of our own: <c>limit</c> is what the peer has granted since the link was attached, <c>sent</c>
/// what was sent, both under <c>gate</c>.
/// </summary>
internal sealed class ConsumerLink(BrokerEngine engine, Mailbox mailbox, ListenerLink link, Authorization authorization) : LinkEndpoint
{
    /// <summary>A receiver has at most this much in hand, whatever its credit; the library keeps a delivery's bytes until it is settled.</summary>
    private const long MaxUnsettledBytes = 64 * 1024 * 1024;

    private readonly Lock gate = new();
    private readonly BrokerTransport? transport = BrokerTransport.Of(link.Session.Connection);
    private long limit;
    private long sent;
    private long assigned;
    private long unsettledBytes;
    private bool isDraining;
    private volatile bool isClosed;

    public bool IsReceiveAndDelete { get; } = link.SettleOnSend;

    public MessageSession? Session { get; init; }

    /// <summary>Its place among its mailbox's receivers with credit; the engine's.</summary>
    public LinkedListNode<ConsumerLink>? HungryNode { get; set; }

    public bool IsUnauthorized => !isClosed && authorization.IsExpired(engine.Now);

    /// <summary>Whether the engine may hand it another message.</summary>
    public bool CanTake
    {
        get
        {
            if (isClosed || unsettledBytes >= MaxUnsettledBytes || transport is { IsCongested: true } || authorization.IsExpired(engine.Now)) return false;
            lock (gate) return assigned < limit;
        }
    }

    public void Assigned(MailboxEntry entry)
    {
        assigned++;
        if (!IsReceiveAndDelete) unsettledBytes += entry.Message.Length;
    }

    public void Returned(MailboxEntry entry)
    {
        var wasFull = unsettledBytes >= MaxUnsettledBytes;
        unsettledBytes -= entry.Message.Length;
        if (wasFull && unsettledBytes < MaxUnsettledBytes) mailbox.AddHungry(this);
    }

    /// <summary>Sends a message; false when the link has gone or the peer has taken its credit back meanwhile.</summary>
    public bool TrySend(MailboxEntry entry, Guid token, ByteBuffer encoded)
    {
        try
        {
            lock (gate)
            {
                if (isClosed || (sent >= limit && !IsReceiveAndDelete))
                {
                    assigned = sent;
                    return false;
                }

                transport?.Queued(encoded.Length);
                link.SendMessage(new OutgoingMessage(token == Guid.Empty ? null : entry, token), encoded);
                sent++;
                return true;
            }
        }
        catch (Exception error) when (IsLinkGone(error))
        {
            isClosed = true;
            return false;
        }
    }

    public override void OnFlow(FlowContext flowContext)
    {
        bool draining;
        lock (gate)
        {
            limit += flowContext.Messages;
            // Setting the credit makes the library forget that the peer is draining.
            draining = link.IsDraining;
            isDraining = draining;
            try
            {
                if (flowContext.Messages <= 0)
                {
                    // The library has just set its credit to 0.
                    limit = Math.Max(limit, sent);
                    link.SetCredit((int)(limit - sent), false, false);
                }
            }
            catch (Exception error) when (IsLinkGone(error))
            {
                isClosed = true;
                return;
            }
        }

        engine.Post(draining ? new DrainConsumer(mailbox, this) : new Wake(mailbox, this));
    }

    public override void OnDisposition(DispositionContext dispositionContext)
    {
        // At the end of a link, a session or a connection the library makes up an outcome for everything unsettled; Service Bus keeps the
        // locks until they expire.
        var outcome = dispositionContext.DeliveryState;
        if (IsEnding || IsMadeUp(outcome) || dispositionContext.Message is not OutgoingMessage { Entry: { } entry } message) return;
        if (Outcomes.TryRead(outcome, out var request)) engine.Post(new SettleOperation(mailbox, entry, message, request, outcome, dispositionContext.Settled, Answer));
        else if (outcome is TransactionalState) Answer(message, new Rejected { Error = BrokerErrors.NotImplemented("Transactions are not supported.") });
    }

    private bool IsEnding => isClosed || link.IsClosed || link.Session.IsClosed || link.Session.Connection.IsClosed;

    // A client that rejects says why in its own words; AMQP's own conditions are what a link, a session or a connection has ended with.
    internal static bool IsMadeUp(DeliveryState outcome) =>
        outcome is Rejected { Error.Condition: { } condition } && condition.ToString().StartsWith("amqp:", StringComparison.Ordinal);

    public override void OnLinkClosed(ListenerLink listenerLink, Error error)
    {
        isClosed = true;
        if (transport is not null) transport.Drained -= OnTransportDrained;
        engine.Post(new RemoveConsumer(mailbox, this));
    }

    public void Attached()
    {
        if (transport is not null) transport.Drained += OnTransportDrained;
    }

    /// <summary>Ends the link from our side.</summary>
    public void Close(Error error)
    {
        isClosed = true;
        Links.Close(link, error);
    }

    private void OnTransportDrained() => engine.Post(new Wake(mailbox, this));

    private void Answer(OutgoingMessage message, DeliveryState outcome)
    {
        try
        {
            link.DisposeMessage(message, outcome, true);
        }
        catch (Exception error) when (IsLinkGone(error))
        {
            isClosed = true;
        }
    }

    /// <summary>Gives unused credit back: clients wait for a flow with drain = true and credit 0, which the library's own call does not send.</summary>
    public void CompleteDrain()
    {
        try
        {
            lock (gate)
            {
                if (isClosed || !isDraining) return;
                isDraining = false;
                link.CompleteDrain();
                link.SetCredit(0, true, false);
                assigned = sent = limit;
            }
        }
        catch (Exception error) when (IsLinkGone(error))
        {
            isClosed = true;
        }
    }

    /// <summary>What the library throws when a link is used whose connection is ending on another thread.</summary>
    internal static bool IsLinkGone(Exception error) => error is AmqpException or ObjectDisposedException or InvalidOperationException
        or OperationCanceledException or IOException or SocketException or NullReferenceException;
}
