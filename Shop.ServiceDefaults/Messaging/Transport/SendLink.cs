using Amqp;
using Amqp.Framing;
using AmqpData = Amqp.Framing.Data;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>An attached sender: pipelines messages within the window and turns the broker's outcomes into results.</summary>
internal sealed class SendLink
{
    private const string ServerBusy = "com.microsoft:server-busy";
    private const uint BatchFormat = 0x80013700;
    private const int MaxBatchBytes = 64 * 1024;
    private const int MaxBatchEvents = 100;

    /// <summary>What the broker will say again however often the event comes.</summary>
    private static readonly HashSet<string> permanent =
    [
        "amqp:link:message-size-exceeded", "amqp:decode-error", "amqp:invalid-field", "amqp:not-implemented", "amqp:frame-size-too-small",
        "com.microsoft:argument-error", "com.microsoft:argument-out-of-range",
    ];

    private readonly AmqpConnection connection;
    private readonly SenderLink link;
    private readonly InFlightWindow window;
    private readonly bool useBatches;
    private readonly BusClientOptions options;
    private readonly TimeProvider time;
    private readonly Action<string> throttled;

    private SendLink(
        AmqpConnection connection, SenderLink link, ulong maxMessageBytes, BusClientOptions options, TimeProvider time, Action<string> throttled)
    {
        (this.connection, this.link, this.options, this.time, this.throttled) = (connection, link, options, time, throttled);
        MaxMessageBytes = maxMessageBytes == 0 ? long.MaxValue : (long)Math.Min(maxMessageBytes, long.MaxValue);
        useBatches = options.UseBatches && options.ConnectionString.Dialect == BusDialect.ServiceBus;
        window = new(options.MaxInFlight);
        link.AddClosedCallback((_, _) => window.Close());
    }

    public long MaxMessageBytes { get; }

    public Task<string> Closed => connection.Closed;

    public static async Task<SendLink> AttachAsync(
        AmqpConnection connection, BusClientOptions options, string address, TimeProvider time, Action<string> throttled, CancellationToken cancellationToken)
    {
        var name = "publish-" + Guid.CreateVersion7().ToString("N");
        var (link, attach) = await connection.AttachAsync(
            (session, attached) => new SenderLink(
                session, name, new Attach { Source = new Source { Address = name }, Target = new Target { Address = address } }, attached),
            cancellationToken);
        return new(connection, link, attach.MaxMessageSize, options, time, throttled);
    }

    public void Abort(string reason) => connection.Abort(reason);

    /// <summary>Sends in order until all are sent or one has to be sent again; does not wait for the answers. Returns how many were dealt with.</summary>
    public async ValueTask<int> SendAsync(IReadOnlyList<CloudEvent> events, PendingPublish pending, bool alone, CancellationToken cancellationToken)
    {
        List<Message> batch = [];
        var (batchBytes, sent) = (0, 0);
        for (var index = 0; index < events.Count; index++)
        {
            var message = CloudEventMessage.Create(events[index]);
            var bytes = CloudEventMessage.SizeBound(message);
            if (bytes > MaxMessageBytes && (bytes = message.Encode().Length) > MaxMessageBytes)
            {
                // Sent, it would cost the whole link with everything in flight on it.
                if (!await FlushAsync(index)) return sent;
                pending.Set(index, 1, new(PublishStatus.Refused, $"amqp:link:message-size-exceeded: {bytes} bytes, the broker takes {MaxMessageBytes}"));
                sent = index + 1;
                continue;
            }

            if (batch.Count > 0 && (alone || !useBatches || batch.Count == MaxBatchEvents || batchBytes + bytes > Math.Min(MaxBatchBytes, MaxMessageBytes)))
            {
                if (!await FlushAsync(index)) return sent;
            }

            batch.Add(message);
            batchBytes += bytes;
        }

        await FlushAsync(events.Count);
        return sent;

        async ValueTask<bool> FlushAsync(int end)
        {
            if (batch.Count == 0) return true;
            var count = batch.Count;
            if (!await EnterAsync(count, cancellationToken)) return false;
            if (pending.HasUnknown)
            {
                window.Leave(count);
                return false;
            }

            var message = count == 1 ? batch[0] : CreateBatch(batch);
            batch.Clear();
            batchBytes = 0;
            if (!TrySend(message, new(pending, end - count, count))) return false;
            sent = end;
            return true;
        }
    }

    private async ValueTask<bool> EnterAsync(int count, CancellationToken cancellationToken)
    {
        var turn = window.EnterAsync(count, cancellationToken);
        if (turn.IsCompleted) return await turn;
        var waiting = turn.AsTask();
        try
        {
            // The window ends the wait when it is cancelled: whoever had been let in just before has a place, and goes on to use it.
            return await waiting.WaitAsync(options.SendTimeout, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            connection.Abort($"the broker has not answered within {options.SendTimeout}");
            window.Close();
            return false;
        }
    }

    private bool TrySend(Message message, Sent sent)
    {
        try
        {
            link.Send(message, null, OnOutcome, sent);
            return true;
        }
        catch (Exception exception) when (exception is AmqpException or ObjectDisposedException)
        {
            sent.Pending.Set(sent.First, sent.Count, new(PublishStatus.Unknown, AmqpConnection.Describe(exception)));
            return false;
        }
    }

    private static Message CreateBatch(List<Message> messages)
    {
        var body = new DataList();
        foreach (var message in messages)
        {
            var encoded = message.Encode();
            body.Add(new AmqpData { Binary = encoded.Buffer.AsSpan(encoded.Offset, encoded.Length).ToArray() });
        }

        // Service Bus takes the routing of the whole from the envelope, as its own client writes it.
        return new Message
        {
            Format = BatchFormat,
            Header = new Header { Durable = true },
            Properties = new Properties { MessageId = messages[0].Properties.MessageId },
            BodySection = body,
        };
    }

    // Runs on the connection's thread: no waiting, no throwing.
    private void OnOutcome(ILink sender, Message message, Outcome outcome, object state)
    {
        var sent = (Sent)state;
        var result = Classify(outcome);
        if (result.Status == PublishStatus.Refused && sent.Count > 1) sent.Pending.SetBatchRefused(sent.First, sent.Count, result);
        else sent.Pending.Set(sent.First, sent.Count, result);
        // Last, so that whoever gets the room sees the result.
        window.Leave(sent.Count);
    }

    private PublishResult Classify(Outcome outcome)
    {
        if (outcome is Accepted) return new(PublishStatus.Accepted, null);
        var error = (outcome as Rejected)?.Error;
        var reason = outcome is Rejected ? AmqpConnection.Describe(error) : outcome?.GetType().Name.ToLowerInvariant() ?? "no outcome";
        var condition = error?.Condition?.ToString();
        if (condition == ServerBusy) throttled(reason);
        // When a link ends the library rejects everything unanswered with the link's error, which says nothing about the single event.
        var invented = link.LinkState >= LinkState.DetachPipe || link.IsClosed || link.Session.IsClosed || link.Session.Connection.IsClosed;
        return new(!invented && condition is not null && permanent.Contains(condition) ? PublishStatus.Refused : PublishStatus.Unknown, reason);
    }

    private sealed record Sent(PendingPublish Pending, int First, int Count);
}
