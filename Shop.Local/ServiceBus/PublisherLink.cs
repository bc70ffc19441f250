using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace Shop.Local.ServiceBus;

/// <summary>A message as it came, copied out of the connection's buffer and not decoded.</summary>
internal sealed class EncodedMessage(byte[] encoded) : Message
{
    public byte[] Encoded { get; } = encoded;
}

/// <summary>A link on which a client sends to a topic or a queue.</summary>
internal sealed class PublisherLink(BrokerEngine engine, Destination destination, ListenerLink link, Authorization authorization, int maxMessageSize) : LinkEndpoint
{
    /// <summary>How many messages a sender may have unconfirmed.</summary>
    public const int Credit = 1000;

    public override void OnMessage(MessageContext messageContext)
    {
        var encoded = ((EncodedMessage)messageContext.Message).Encoded;
        if (authorization.IsExpired())
        {
            Links.Close(link, BrokerErrors.Unauthorized("The token has expired."));
            return;
        }

        if (encoded.Length > maxMessageSize)
        {
            Answer(messageContext, BrokerErrors.MessageSizeExceeded(encoded.Length, maxMessageSize));
            return;
        }

        try
        {
            List<byte[]> parts = messageContext.Message.Format == MessageFormat.Batch ? MessageFormat.SplitBatch(encoded) : [encoded];
            var messages = parts.ConvertAll(MessageFormat.Parse);
            engine.Post(new PublishOperation(destination, messages, encoded.Length, error => Answer(messageContext, error)));
        }
        catch (Exception error) when (error is InvalidDataException or AmqpException or ArgumentException or InvalidCastException or IndexOutOfRangeException)
        {
            Answer(messageContext, BrokerErrors.DecodeError(error.Message));
        }
    }

    public override void OnFlow(FlowContext flowContext)
    {
    }

    public override void OnDisposition(DispositionContext dispositionContext) => dispositionContext.Complete();

    private static void Answer(MessageContext context, Error? error)
    {
        try
        {
            if (error is null) context.Complete();
            else context.Complete(error);
        }
        catch (Exception gone) when (ConsumerLink.IsLinkGone(gone))
        {
            // The sender has gone; it will send again what it has no answer for.
        }
    }
}

internal static class Links
{
    /// <summary>Ends a link with an error, if it has not ended already.</summary>
    public static void Close(ListenerLink link, Error error)
    {
        try
        {
            link.Close(TimeSpan.Zero, error);
        }
        catch (Exception gone) when (ConsumerLink.IsLinkGone(gone) || gone is TimeoutException)
        {
            // Its connection has ended, and the link with it.
        }
    }
}
