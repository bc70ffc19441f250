using Amqp;
using Microsoft.Extensions.Logging;
using Polly;
using Shop.ServiceDefaults.Resilience;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>Keeps one link attached: connects, watches, and connects again with backoff until it is disposed.</summary>
internal sealed class LinkKeeper<TLink> : IAsyncDisposable
    where TLink : class
{
    private const string ServerBusy = "com.microsoft:server-busy";
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    /// <summary>A link that lived shorter counts as a failed attempt: a broker that attaches and detaches at once must not be hammered.</summary>
    private static readonly TimeSpan ProvenLifetime = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource stop = new();
    private readonly BusClientOptions options;
    private readonly ClaimsBasedSecurity security;
    private readonly string entity;
    private readonly Func<AmqpConnection, CancellationToken, Task<TLink>> attach;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ResiliencePipeline pipeline;
    private readonly Task loop;
    private volatile TaskCompletionSource<TLink> current = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile AmqpConnection? connection;
    private volatile BusState state;

    public LinkKeeper(
        BusClientOptions options, ClaimsBasedSecurity security, string entity, Func<AmqpConnection, CancellationToken, Task<TLink>> attach,
        TimeProvider time, ILogger logger)
    {
        (this.options, this.security, this.entity, this.attach, this.time, this.logger) = (options, security, entity, attach, time, logger);
        state = new(entity, BusConnection.Connecting, time.GetUtcNow(), null);
        pipeline = Pipelines.Forever("servicebus-connect", time, AmqpConnection.IsOutage, OnRetry);
        loop = RunAsync();
    }

    public BusState State => state;

    /// <summary>The connection in use, if there is one; for probing it.</summary>
    public AmqpConnection? Connection => connection;

    /// <summary>The attached link, as soon as there is one.</summary>
    public Task<TLink> GetAsync(CancellationToken cancellationToken) => current.Task.WaitAsync(cancellationToken);

    public void SetState(BusConnection value, string? error = null) =>
        state = new(entity, value, value == state.Connection ? state.Since : time.GetUtcNow(), error ?? state.LastError);

    public async ValueTask DisposeAsync()
    {
        // The source has no timer and no handle: leaving it undisposed costs nothing and lets this be called twice.
        await stop.CancelAsync();
        await loop;
    }

    private async Task RunAsync()
    {
        try
        {
            while (true) await pipeline.ExecuteAsync(StayConnectedAsync, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            SetState(BusConnection.Closed);
            current.TrySetException(new ObjectDisposedException(entity));
            _ = current.Task.Exception;
        }
        catch (Exception exception)
        {
            // A bug, not an outage: whoever waits for the link gets it too.
            SetState(BusConnection.Closed, exception.Message);
            current.TrySetException(exception);
            throw;
        }
    }

    /// <summary>Returns when a link that had proven itself has ended; throws what Polly is to back off from.</summary>
    private async ValueTask StayConnectedAsync(CancellationToken cancellationToken)
    {
        using var lifetime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var opened = await OpenAsync(lifetime.Token);
        var since = time.GetTimestamp();
        string reason;
        try
        {
            reason = await WatchAsync(opened, cancellationToken);
        }
        finally
        {
            connection = null;
            current = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await lifetime.CancelAsync();
        }

        SetState(BusConnection.Disconnected, reason);
        MessagingLog.Disconnected(logger, entity, reason);
        if (time.GetElapsedTime(since) < ProvenLifetime) throw new IOException(reason);
    }

    private async Task<AmqpConnection> OpenAsync(CancellationToken lifetime)
    {
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(lifetime);
        attempt.CancelAfter(options.ConnectTimeout);
        AmqpConnection? opening = null;
        try
        {
            opening = await AmqpConnection.OpenAsync(options, attempt.Token);
            await security.AuthorizeAsync(opening, entity, attempt.Token, lifetime);
            var link = await attach(opening, attempt.Token);
            connection = opening;
            SetState(BusConnection.Connected);
            MessagingLog.Connected(logger, entity, options.ConnectionString.ToString());
            current.TrySetResult(link);
            return opening;
        }
        catch (Exception exception)
        {
            opening?.Abort(AmqpConnection.Describe(exception));
            lifetime.ThrowIfCancellationRequested();
            if (exception is AmqpException { Error.Condition: { } condition } && condition.ToString() == ServerBusy)
                await Task.Delay(options.ThrottleDelay, time, lifetime);
            if (exception is OperationCanceledException) throw new TimeoutException($"No connection within {options.ConnectTimeout}.", exception);
            throw;
        }
    }

    private async Task<string> WatchAsync(AmqpConnection opened, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(WatchInterval, time);
        while (true)
        {
            var tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
            if (await Task.WhenAny(opened.Closed, tick) == opened.Closed) return await opened.Closed;
            await tick;
            if (opened.IsClosing) opened.Abort("nothing arrived within the idle timeout");
        }
    }

    private void OnRetry(Exception exception, TimeSpan delay)
    {
        var reason = AmqpConnection.Describe(exception);
        SetState(BusConnection.Disconnected, reason);
        MessagingLog.ConnectFailed(logger, entity, delay.TotalMilliseconds, reason);
    }
}
