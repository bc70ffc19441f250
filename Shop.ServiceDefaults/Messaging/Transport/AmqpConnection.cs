using System.Net.Sockets;
using System.Security.Authentication;
using Amqp;
using Amqp.Framing;
using Amqp.Sasl;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>One AMQP connection for one link. The end of any part of it is the end of the whole: a new one is opened then.</summary>
internal sealed class AmqpConnection : IAsyncDisposable
{
    private const int MaxFrameBytes = 64 * 1024;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource<string> closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Connection connection;
    private readonly BusTransport transport;

    private AmqpConnection(Connection connection, BusTransport transport)
    {
        (this.connection, this.transport) = (connection, transport);
        connection.AddClosedCallback((_, error) => closed.TrySetResult(Describe(error)));
    }

    /// <summary>Ends, with the reason, when the connection or anything watched on it has ended.</summary>
    public Task<string> Closed => closed.Task;

    /// <summary>The library notices silence, closes its half and then waits long for an answer that cannot come.</summary>
    public bool IsClosing => connection.IsClosed;

    public static async Task<AmqpConnection> OpenAsync(BusClientOptions options, CancellationToken cancellationToken)
    {
        var target = options.ConnectionString;
        var transport = await BusTransport.ConnectAsync(target, options.TrustedRoots, cancellationToken);
        try
        {
            using var provider = transport.AsProvider();
            var factory = new ConnectionFactory([provider]);
            factory.AMQP.HostName = target.Host;
            factory.AMQP.ContainerId = Guid.CreateVersion7().ToString("N");
            factory.AMQP.MaxFrameSize = MaxFrameBytes;
            factory.AMQP.IdleTimeout = (int)options.IdleTimeout.TotalMilliseconds;
            factory.SASL.Profile = SaslProfile.Anonymous;
            var plain = target.Dialect == BusDialect.RabbitMq;
            var address = new Address(
                target.Host, target.Port, plain ? target.SharedAccessKeyName : null, plain ? target.SharedAccessKey : null, "/",
                target.UseTls ? "amqps" : "amqp");
            // The library leaves its SASL exchange uncancelled; closing the transport ends it.
            await using var abort = cancellationToken.Register(transport.Close);
            return new(await factory.CreateAsync(address, cancellationToken), transport);
        }
        catch (Exception exception)
        {
            transport.Close();
            cancellationToken.ThrowIfCancellationRequested();
            // An end of stream while connecting comes as a cancellation that nobody asked for.
            if (exception is OperationCanceledException or ObjectDisposedException)
                throw new IOException("The broker closed the connection while it was being opened.", exception);
            throw;
        }
    }

    /// <summary>What a connection can fail with when the broker, the network or the credentials are at fault rather than this program.</summary>
    public static bool IsOutage(Exception exception) => exception is AmqpException or IOException or SocketException or TimeoutException
        or AuthenticationException or ObjectDisposedException or UnauthorizedAccessException
        or global::Azure.Identity.AuthenticationFailedException or global::Azure.RequestFailedException;

    public Session CreateSession()
    {
        var session = new Session(connection);
        session.AddClosedCallback((_, error) => closed.TrySetResult(Describe(error)));
        return session;
    }

    /// <summary>Attaches a link on a session of its own.</summary>
    /// <exception cref="AmqpException">The broker refused; the condition says why.</exception>
    public async Task<(TLink Link, Attach Attach)> AttachAsync<TLink>(Func<Session, OnAttached, TLink> create, CancellationToken cancellationToken)
        where TLink : Link
    {
        TaskCompletionSource<Attach> attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var link = create(CreateSession(), (_, attach) =>
        {
            // A refusal is an attach without the terminus asked for, followed by a detach with the error.
            if (attach.Role ? attach.Target is not null : attach.Source is not null) attached.TrySetResult(attach);
        });
        link.AddClosedCallback((_, error) =>
        {
            attached.TrySetException(new AmqpException(error ?? new Error(ErrorCode.DetachForced) { Description = "detached" }));
            closed.TrySetResult(Describe(error));
        });
        return (link, await attached.Task.WaitAsync(cancellationToken));
    }

    /// <summary>Asks the broker for a sign of life: a session begun and ended.</summary>
    public async Task PingAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var begin = new Begin { IncomingWindow = 1, OutgoingWindow = 1, HandleMax = 1, NextOutgoingId = 1 };
        var session = new Session(connection, begin, (_, _) => begun.TrySetResult());
        session.AddClosedCallback((_, error) => begun.TrySetException(new IOException(Describe(error))));
        await begun.Task.WaitAsync(cancellationToken);
        await session.CloseAsync().WaitAsync(cancellationToken);
    }

    /// <summary>Cuts the connection without ceremony.</summary>
    public void Abort(string reason)
    {
        closed.TrySetResult(reason);
        transport.Close();
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!connection.IsClosed) await connection.CloseAsync(CloseTimeout, null);
        }
        catch (Exception exception) when (IsOutage(exception))
        {
            // Saying goodbye to a peer that is gone: the socket below is closed either way.
            closed.TrySetResult(Describe(exception));
        }
        finally
        {
            Abort("closed");
        }
    }

    public static string Describe(Exception exception) => exception is AmqpException { Error: { } error } ? Describe(error) : exception.Message;

    public static string Describe(Error? error) =>
        error is null ? "closed by the broker" : error.Description is { Length: > 0 } text ? $"{error.Condition}: {text}" : error.Condition?.ToString() ?? "error";
}
