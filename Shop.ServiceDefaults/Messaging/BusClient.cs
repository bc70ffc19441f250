using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Shop.ServiceDefaults.Messaging.Transport;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>
/// The bus. Each publisher and receiver has a connection of its own, so that none waits behind another; create them once and keep them.
/// </summary>
public sealed class BusClient : IAsyncDisposable
{
    private readonly ConcurrentDictionary<EventPublisher, bool> publishers = new();
    private readonly ConcurrentDictionary<EventReceiver, bool> receivers = new();
    private readonly ClaimsBasedSecurity security;
    private readonly TimeProvider time;
    private readonly ILogger logger;

    public BusClient(BusClientOptions options, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxInFlight, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxInFlight, 5000);
        Options = options;
        time = timeProvider ?? TimeProvider.System;
        logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("Shop.Messaging");
        security = new(options, time, logger);
    }

    public BusClientOptions Options { get; }

    /// <summary>Of every publisher and receiver that is in use.</summary>
    public IReadOnlyList<BusState> States => [.. publishers.Keys.Select(publisher => publisher.State), .. receivers.Keys.Select(receiver => receiver.State)];

    /// <summary>Begins to connect at once.</summary>
    /// <param name="topic">Such as <c>shop-events</c>; a topic in the connection string's EntityPath wins, so that a deployment can rename it.</param>
    public EventPublisher CreatePublisher(string topic)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        topic = Options.ConnectionString.Topic ?? topic;
        var publisher = new EventPublisher(
            Options, security, topic, EntityAddress.Topic(Options.ConnectionString.Dialect, topic), time, logger, done => publishers.TryRemove(done, out _));
        publishers[publisher] = true;
        return publisher;
    }

    /// <summary>Begins to connect at once.</summary>
    /// <param name="topic">Such as <c>shop-events</c>; see <see cref="CreatePublisher"/>.</param>
    /// <param name="subscription">Such as <c>projector</c>; a subscription in the connection string's EntityPath wins.</param>
    /// <param name="receiverOptions">Null means the defaults.</param>
    public EventReceiver CreateReceiver(string topic, string subscription, EventReceiverOptions? receiverOptions = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        ArgumentException.ThrowIfNullOrEmpty(subscription);
        var target = Options.ConnectionString;
        receiverOptions ??= new();
        ArgumentOutOfRangeException.ThrowIfLessThan(receiverOptions.Prefetch, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(receiverOptions.Prefetch, 2000);
        var (entity, address) = EntityAddress.Subscription(
            target.Dialect, target.Topic ?? topic, target.Subscription ?? subscription, receiverOptions.DeadLetterQueue);
        var receiver = new EventReceiver(Options, receiverOptions, security, entity, address, time, logger, done => receivers.TryRemove(done, out _));
        receivers[receiver] = true;
        return receiver;
    }

    /// <summary>Connects for looking at a subscription's dead letters; dispose it after use.</summary>
    /// <exception cref="IOException">The broker does not answer.</exception>
    /// <exception cref="NotSupportedException">The broker is one that cannot do that.</exception>
    public Task<EventBrowser> BrowseDeadLettersAsync(string topic, string subscription, CancellationToken cancellationToken)
    {
        var target = Options.ConnectionString;
        var (entity, address) = EntityAddress.Subscription(target.Dialect, target.Topic ?? topic, target.Subscription ?? subscription, deadLetterQueue: true);
        return EventBrowser.OpenAsync(Options, security, entity, address, time, cancellationToken);
    }

    /// <summary>Talks to the broker: over a connection in use when there is one, otherwise over a new one, which is closed again.</summary>
    /// <param name="topic">When given, a new connection also attaches a sender to it, which shows a missing entity or right.</param>
    /// <param name="cancellationToken">Bounds the wait.</param>
    /// <exception cref="IOException">Or another exception of the network or the protocol: the broker does not answer.</exception>
    public async Task ProbeAsync(string? topic, CancellationToken cancellationToken)
    {
        var live = publishers.Keys.Select(publisher => publisher.Connection).Concat(receivers.Keys.Select(receiver => receiver.Connection))
            .FirstOrDefault(connection => connection is { IsClosing: false });
        if (live is not null)
        {
            await live.PingAsync(cancellationToken);
            return;
        }

        await using var connection = await AmqpConnection.OpenAsync(Options, cancellationToken);
        if (topic is null)
        {
            await connection.PingAsync(cancellationToken);
            return;
        }

        using var lifetime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await security.AuthorizeAsync(connection, topic, cancellationToken, lifetime.Token);
        await SendLink.AttachAsync(connection, Options, EntityAddress.Topic(Options.ConnectionString.Dialect, topic), time, _ => { }, cancellationToken);
        await lifetime.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll([
            .. publishers.Keys.Select(publisher => publisher.DisposeAsync().AsTask()),
            .. receivers.Keys.Select(receiver => receiver.DisposeAsync().AsTask())]);
    }
}
