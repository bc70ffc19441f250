using System.Globalization;
using Amqp;
using Amqp.Types;
using Shop.ServiceDefaults.Messaging.Transport;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>Looks at the messages of a subscription's dead-letter queue without locking, counting or changing anything.</summary>
public sealed class EventBrowser : IAsyncDisposable
{
    /// <summary>Service Bus answers at most 250 at once.</summary>
    public const int MaxPage = 250;

    private const int Ok = 200;
    private const int NoContent = 204;
    private const int NotFound = 404;

    /// <summary>For one answer. A broker that is silent is given up by the library, which then waits long for an answer to that.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    private readonly AmqpConnection connection;
    private readonly AmqpRequestLink management;
    private readonly CancellationTokenSource lifetime;
    private readonly TimeProvider time;

    private EventBrowser(AmqpConnection connection, AmqpRequestLink management, CancellationTokenSource lifetime, TimeProvider time) =>
        (this.connection, this.management, this.lifetime, this.time) = (connection, management, lifetime, time);

    internal static async Task<EventBrowser> OpenAsync(
        BusClientOptions options, ClaimsBasedSecurity security, string entity, string address, TimeProvider time, CancellationToken cancellationToken)
    {
        if (options.ConnectionString.Dialect != BusDialect.ServiceBus)
            throw new NotSupportedException("This broker cannot show messages without taking them; use its own management.");
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        attempt.CancelAfter(options.ConnectTimeout);
        var lifetime = new CancellationTokenSource();
        AmqpConnection? connection = null;
        try
        {
            connection = await AmqpConnection.OpenAsync(options, attempt.Token);
            await security.AuthorizeAsync(connection, entity, attempt.Token, lifetime.Token);
            return new(connection, await AmqpRequestLink.AttachAsync(connection, $"{address}/$management", attempt.Token), lifetime, time);
        }
        catch (Exception exception)
        {
            await lifetime.CancelAsync();
            lifetime.Dispose();
            if (connection is not null) await connection.DisposeAsync();
            cancellationToken.ThrowIfCancellationRequested();
            if (AmqpConnection.IsOutage(exception) || exception is OperationCanceledException)
                throw new IOException($"The broker cannot be asked: {AmqpConnection.Describe(exception)}", exception);
            throw;
        }
    }

    /// <summary>The messages from a sequence number on, in its order; none when there are no more. Settling one of them does nothing.</summary>
    /// <exception cref="IOException">The broker went away, or refused.</exception>
    public async Task<IReadOnlyList<ReceivedEvent>> PeekAsync(long fromSequence, int max, int maxDataBytes, CancellationToken cancellationToken)
    {
        var request = new Message(new Map { ["from-sequence-number"] = fromSequence, ["message-count"] = Math.Min(max, MaxPage) })
        {
            ApplicationProperties = new() { ["operation"] = "com.microsoft:peek-message" },
        };
        var (status, description, reply) = await RequestAsync(request, cancellationToken);
        if (status is NoContent or NotFound) return [];
        if (status != Ok) throw new IOException(string.Create(CultureInfo.InvariantCulture, $"The broker refused to show messages: {status} {description}"));
        if (reply.Body is not Map body || body["messages"] is not List messages) throw new IOException("The broker's answer has no messages.");
        List<ReceivedEvent> peeked = [];
        foreach (var item in messages)
        {
            var bytes = (byte[])((Map)item)["message"];
            peeked.Add(new ReceivedEvent(Message.Decode(new ByteBuffer(bytes, 0, bytes.Length, bytes.Length)), maxDataBytes, time.GetUtcNow()));
        }

        return peeked;
    }

    /// <summary>A request on a link that has ended since the last one fails in the library's own way, as an answer that does not come fails in none.</summary>
    private async Task<(int Status, string Description, Message Reply)> RequestAsync(Message request, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        enough.CancelAfter(patience);
        try
        {
            return await management.RequestAsync(request, enough.Token);
        }
        catch (Exception exception) when (exception is not IOException && (AmqpConnection.IsOutage(exception) || exception is OperationCanceledException))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new IOException($"The broker cannot be asked: {AmqpConnection.Describe(exception)}", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await lifetime.CancelAsync();
        await connection.DisposeAsync();
        lifetime.Dispose();
    }
}
