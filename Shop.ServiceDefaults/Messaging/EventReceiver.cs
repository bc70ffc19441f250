using Amqp.Framing;
using Amqp.Types;
using Microsoft.Extensions.Logging;
using Shop.ServiceDefaults.Messaging.Transport;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>
/// Receives from one subscription over a connection of its own, which comes back by itself. Messages are locked until they are settled;
/// locks are renewed while they are held. Safe for concurrent use.
/// </summary>
public sealed class EventReceiver : IAsyncDisposable
{
    /// <summary>Service Bus refuses longer reasons and descriptions.</summary>
    private const int MaxReasonLength = 4096;

    private static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(2);

    private readonly BusClientOptions options;
    private readonly EventReceiverOptions receiverOptions;
    private readonly string entity;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly LinkKeeper<ReceiveLink> keeper;
    private readonly Action<EventReceiver> disposed;

    /// <summary>Pausing, resuming and attaching are each one step: the link is as the last of them wants it.</summary>
    private readonly Lock gate = new();

    private volatile TaskCompletionSource running = CompletedSource();
    private volatile ReceiveLink? attached;

    internal EventReceiver(
        BusClientOptions options, EventReceiverOptions receiverOptions, ClaimsBasedSecurity security, string entity, string address, TimeProvider time,
        ILogger logger, Action<EventReceiver> disposed)
    {
        (this.options, this.receiverOptions, this.entity, this.time, this.logger, this.disposed) = (options, receiverOptions, entity, time, logger, disposed);
        keeper = new(options, security, entity, (connection, token) => AttachAsync(connection, address, token), time, logger);
    }

    public BusState State => keeper.State is { Connection: BusConnection.Connected } state && IsPaused
        ? state with { Connection = BusConnection.Paused }
        : keeper.State;

    internal AmqpConnection? Connection => keeper.Connection;

    private bool IsPaused => !running.Task.IsCompleted;

    /// <summary>Waits for at least one message (over outages too) and returns what is there, at most <paramref name="max"/>.</summary>
    public async ValueTask<IReadOnlyList<ReceivedEvent>> ReceiveBatchAsync(int max, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        while (true)
        {
            await running.Task.WaitAsync(cancellationToken);
            var link = await keeper.GetAsync(cancellationToken);
            // What a lost connection had brought will come again: working on it now would be wasted.
            if (!await link.Arrived.WaitToReadAsync(cancellationToken) || link.Closed.IsCompleted)
            {
                await link.Closed.WaitAsync(cancellationToken);
                await Task.Yield();
                continue;
            }

            List<ReceivedEvent> batch = [];
            while (batch.Count < max && link.Arrived.TryRead(out var received)) batch.Add(received);
            if (batch.Count == 0) continue;
            MessagingMetrics.Consumed(options, entity, batch.Count);
            MessagingTelemetry.RecordReceive(options, entity, batch);
            return batch;
        }
    }

    /// <summary>Takes no more messages and gives back those that nobody has taken yet. What was taken stays with its taker, to settle or release.</summary>
    public ValueTask PauseAsync()
    {
        lock (gate)
        {
            if (!IsPaused) running = new(TaskCreationOptions.RunContinuationsAsynchronously);
            attached?.Pause();
        }

        return default;
    }

    public ValueTask ResumeAsync()
    {
        lock (gate)
        {
            running.TrySetResult();
            attached?.Resume();
        }

        return default;
    }

    /// <summary>The work is done. Does not wait for the broker: a settlement that is lost with the connection means another delivery.</summary>
    public ValueTask CompleteAsync(IReadOnlyList<ReceivedEvent> events, CancellationToken cancellationToken) =>
        SettleAsync(events, "complete", static () => new Accepted(), cancellationToken);

    /// <summary>The work failed: the message comes again with a higher delivery count.</summary>
    public ValueTask AbandonAsync(IReadOnlyList<ReceivedEvent> events, CancellationToken cancellationToken) =>
        SettleAsync(events, "abandon", AbandonOutcome, cancellationToken);

    /// <summary>The work was not tried: the message comes again, to this or another receiver, as if it had not been delivered.</summary>
    public ValueTask ReleaseAsync(IReadOnlyList<ReceivedEvent> events, CancellationToken cancellationToken) =>
        SettleAsync(events, "release", static () => new Released(), cancellationToken);

    /// <summary>The message can never be worked on: it goes to the dead-letter queue with the reason.</summary>
    public ValueTask DeadLetterAsync(ReceivedEvent received, string reason, string description, CancellationToken cancellationToken)
    {
        var error = new Error(new Symbol("com.microsoft:dead-letter"))
        {
            Info = new Fields
            {
                [new Symbol("DeadLetterReason")] = Cut(reason),
                [new Symbol("DeadLetterErrorDescription")] = Cut(description),
            },
        };
        return SettleAsync([received], "dead-letter", () => new Rejected { Error = error }, cancellationToken);
    }

    /// <summary>Stops taking, gives back everything unsettled and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        await PauseAsync();
        if (attached is { } link && !link.Closed.IsCompleted)
        {
            link.ReleaseAll();
            await DrainAsync(link);
        }

        await keeper.DisposeAsync();
        running.TrySetResult();
        disposed(this);
    }

    private async Task<ReceiveLink> AttachAsync(AmqpConnection connection, string address, CancellationToken cancellationToken)
    {
        var dialect = options.ConnectionString.Dialect;
        var link = await ReceiveLink.AttachAsync(connection, address, receiverOptions, dialect, IsPaused, time, cancellationToken);
        lock (gate)
        {
            attached = link;
            // Paused or resumed in between: the last word counts.
            if (IsPaused) link.Pause();
            else link.Resume();
        }

        if (dialect == BusDialect.ServiceBus)
            _ = new LockRenewal(link, options, entity, time, logger).RunAsync();
        return link;
    }

    private ValueTask SettleAsync(IReadOnlyList<ReceivedEvent> events, string name, Func<DeliveryState> outcome, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (events.Count == 0) return default;
        using var activity = MessagingTelemetry.StartSettle(options, entity, name, events);
        var lost = 0;
        foreach (var received in events)
        {
            if (received.TrySettle() && !received.Link.Settle(received, outcome())) lost++;
        }

        attached?.TopUp();
        if (lost > 0) MessagingLog.SettlementsLost(logger, lost, entity);
        return default;
    }

    private DeliveryState AbandonOutcome() =>
        options.ConnectionString.Dialect == BusDialect.ServiceBus ? new Modified { DeliveryFailed = true } : new Released();

    /// <summary>Waits, shortly, until the broker has used up the credit it had: a message under way when the link ends would stay locked.</summary>
    private async Task DrainAsync(ReceiveLink link)
    {
        var start = time.GetTimestamp();
        while (link.HasMovedSince(QuietTime) && !link.Closed.IsCompleted && time.GetElapsedTime(start) < DrainTimeout)
            await Task.WhenAny(Task.Delay(QuietTime, time, CancellationToken.None), link.Closed);
    }

    private static string Cut(string text) => text.Length <= MaxReasonLength ? text : text[..MaxReasonLength];

    private static TaskCompletionSource CompletedSource()
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        source.SetResult();
        return source;
    }
}
