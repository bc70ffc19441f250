using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Shop.ServiceDefaults.Messaging.Transport;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>Publishes to one topic over a connection of its own, which comes back by itself. Safe for concurrent use.</summary>
public sealed class EventPublisher : IAsyncDisposable
{
    private readonly BusClientOptions options;
    private readonly string topic;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly LinkKeeper<SendLink> keeper;
    private readonly Action<EventPublisher> disposed;
    private volatile string? throttleReason;

    /// <summary>When the broker asked for it last, as a timestamp: a wall clock that is set back must not make the pause longer. 0 for never.</summary>
    private long throttledAt;

    internal EventPublisher(
        BusClientOptions options, ClaimsBasedSecurity security, string topic, string address, TimeProvider time, ILogger logger,
        Action<EventPublisher> disposed)
    {
        (this.options, this.topic, this.time, this.logger, this.disposed) = (options, topic, time, logger, disposed);
        keeper = new(
            options, security, topic, (connection, token) => SendLink.AttachAsync(connection, options, address, time, OnThrottled, token), time, logger);
    }

    public BusState State => keeper.State is { Connection: BusConnection.Connected } state && ThrottledFor > TimeSpan.Zero
        ? state with { Connection = BusConnection.Throttled, LastError = throttleReason }
        : keeper.State;

    internal AmqpConnection? Connection => keeper.Connection;

    private TimeSpan ThrottledFor => Interlocked.Read(ref throttledAt) is not 0 and var at ? options.ThrottleDelay - time.GetElapsedTime(at) : TimeSpan.Zero;

    /// <summary>
    /// Sends the events in the order given, pipelined, and answers in the same order. Waits for a connection as long as the token lets it.
    /// After an event whose outcome is <see cref="PublishStatus.Unknown"/> nothing further of the call is sent, so that resending from
    /// there keeps the order; events that were under way then may have been accepted. Calls that run at the same time are interleaved.
    /// </summary>
    /// <exception cref="OperationCanceledException">Nothing is known about events of the call that were sent already.</exception>
    public async ValueTask<PublishResult[]> PublishAsync(IReadOnlyList<CloudEvent> events, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0) return [];
        using var activity = MessagingTelemetry.StartPublish(options, topic, events);
        await WaitWhileThrottledAsync(cancellationToken);
        var started = time.GetTimestamp();
        var (results, refusedInBatches) = await SendAsync(events, alone: false, cancellationToken);
        if (refusedInBatches.Length > 0)
        {
            var (again, _) = await SendAsync([.. refusedInBatches.Select(index => events[index])], alone: true, cancellationToken);
            for (var index = 0; index < again.Length; index++) results[refusedInBatches[index]] = again[index];
        }

        MessagingMetrics.Sent(options, topic, results, time.GetElapsedTime(started));
        Report(events, results, activity);
        return results;
    }

    public async ValueTask DisposeAsync()
    {
        await keeper.DisposeAsync();
        disposed(this);
    }

    private async ValueTask<(PublishResult[] Results, int[] RefusedInBatches)> SendAsync(
        IReadOnlyList<CloudEvent> events, bool alone, CancellationToken cancellationToken)
    {
        var link = await keeper.GetAsync(cancellationToken);
        var pending = new PendingPublish(events.Count);
        var sent = await link.SendAsync(events, pending, alone, cancellationToken);
        if (sent < events.Count)
            pending.Set(sent, events.Count - sent, new(PublishStatus.Unknown, "not sent: the link ended or an earlier event has to be sent again"));
        try
        {
            await Task.WhenAny(pending.Done, link.Closed).WaitAsync(options.SendTimeout, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            link.Abort($"the broker has not answered within {options.SendTimeout}");
        }

        if (!pending.Done.IsCompleted) pending.Close(await link.Closed);
        return (pending.ToResults(), pending.RefusedInBatches());
    }

    private async ValueTask WaitWhileThrottledAsync(CancellationToken cancellationToken)
    {
        // Again, because timers may fire a little early.
        while (ThrottledFor is var wait && wait > TimeSpan.Zero)
            await Task.Delay(wait, time, cancellationToken);
    }

    private void OnThrottled(string reason)
    {
        var isNew = ThrottledFor <= TimeSpan.Zero;
        throttleReason = reason;
        Interlocked.Exchange(ref throttledAt, time.GetTimestamp());
        if (isNew) MessagingLog.Throttled(logger, topic, reason);
    }

    private void Report(IReadOnlyList<CloudEvent> events, PublishResult[] results, Activity? activity)
    {
        var failed = 0;
        for (var index = 0; index < results.Length; index++)
        {
            if (results[index].Status == PublishStatus.Accepted) continue;
            if (failed++ == 0) activity?.SetStatus(ActivityStatusCode.Error, results[index].Reason).SetTag("error.type", results[index].Status.ToString());
            if (results[index].Status == PublishStatus.Refused) MessagingLog.Refused(logger, topic, events[index].Id, results[index].Reason ?? "");
        }
    }
}
