using System.Collections.Concurrent;
using System.Globalization;
using Amqp;
using Amqp.Framing;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>Requests and their replies over a pair of links, as <c>$cbs</c> and <c>$management</c> want it.</summary>
internal sealed class AmqpRequestLink
{
    private const int ReplyCredit = 100;

    private readonly ConcurrentDictionary<string, TaskCompletionSource<Message>> pending = new();
    private readonly SenderLink sender;
    private readonly string replyTo;
    private long lastId;

    private AmqpRequestLink(SenderLink sender, ReceiverLink receiver, string replyTo)
    {
        (this.sender, this.replyTo) = (sender, replyTo);
        receiver.AddClosedCallback((_, error) => FailAll(AmqpConnection.Describe(error)));
        receiver.Start(ReplyCredit, OnReply);
    }

    public static async Task<AmqpRequestLink> AttachAsync(AmqpConnection connection, string address, CancellationToken cancellationToken)
    {
        var replyTo = "reply-" + Guid.CreateVersion7().ToString("N");
        var (receiver, _) = await connection.AttachAsync(
            (session, attached) => new ReceiverLink(
                session, replyTo, new Attach { Source = new Source { Address = address }, Target = new Target { Address = replyTo } }, attached),
            cancellationToken);
        var (sender, _) = await connection.AttachAsync(
            (session, attached) => new SenderLink(
                session, replyTo + "-request", new Attach { Source = new Source { Address = replyTo }, Target = new Target { Address = address } }, attached),
            cancellationToken);
        return new(sender, receiver, replyTo);
    }

    /// <summary>The reply to <paramref name="request"/>, whatever its status.</summary>
    /// <exception cref="IOException">The link ended before the reply came.</exception>
    public async Task<(int Status, string Description, Message Reply)> RequestAsync(Message request, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref lastId).ToString(CultureInfo.InvariantCulture);
        request.Properties = new Properties { MessageId = id, ReplyTo = replyTo };
        var reply = pending[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            sender.Send(request, null, OnSent, reply);
            var message = await reply.Task.WaitAsync(cancellationToken);
            var properties = message.ApplicationProperties;
            var status = (properties?["status-code"] ?? properties?["statusCode"]) as int? ?? 0;
            var description = (properties?["status-description"] ?? properties?["statusDescription"]) as string ?? "";
            return (status, description, message);
        }
        finally
        {
            pending.TryRemove(id, out _);
        }
    }

    private static void OnSent(ILink link, Message message, Outcome outcome, object state)
    {
        if (outcome is not Accepted)
            ((TaskCompletionSource<Message>)state).TrySetException(new IOException($"The request was not accepted: {outcome}"));
    }

    private void OnReply(IReceiverLink link, Message message)
    {
        ((ReceiverLink)link).Complete(message, new Accepted());
        if (message.Properties?.CorrelationId is { } id && pending.TryGetValue(id, out var reply)) reply.TrySetResult(message);
    }

    private void FailAll(string reason)
    {
        foreach (var reply in pending.Values) reply.TrySetException(new IOException(reason));
    }
}
