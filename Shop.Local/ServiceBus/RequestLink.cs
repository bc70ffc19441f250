using System.Collections.Concurrent;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;
using Amqp.Types;

namespace Shop.Local.ServiceBus;

/// <summary>An answer to a request on $cbs or $management: an HTTP-like status, a body, and a condition for errors.</summary>
internal readonly record struct Response(int Status, string Description, object? Body = null, string? Condition = null)
{
    public static Response Ok(object? body = null) => new(200, "OK", body);

    public static Response From(int status, Error error) => new(status, error.Description, null, error.Condition);
}

/// <summary>Answers requests; the answer may come later and from another thread.</summary>
internal abstract class RequestHandler
{
    public abstract void Handle(Message request, int size, Action<Response> answer);
}

/// <summary>A link on which a client sends requests.</summary>
internal sealed class RequestLink(RequestHandler handler, ConcurrentDictionary<string, ListenerLink> replyLinks) : LinkEndpoint
{
    public const int Credit = 100;

    public override void OnMessage(MessageContext messageContext)
    {
        var encoded = ((EncodedMessage)messageContext.Message).Encoded;
        try
        {
            for (var offset = 0; offset < encoded.Length;) offset += WireFormat.Measure(encoded.AsSpan(offset));
            var request = Message.Decode(new ByteBuffer(encoded, 0, encoded.Length, encoded.Length));
            messageContext.Complete();
            if (request.Properties?.ReplyTo is not { } replyTo || !replyLinks.TryGetValue(replyTo, out var link)) return;
            handler.Handle(request, encoded.Length, response => Answer(link, request, response));
        }
        catch (Exception error) when (error is InvalidDataException or AmqpException or ArgumentException or InvalidCastException or IndexOutOfRangeException)
        {
            messageContext.Complete(BrokerErrors.DecodeError(error.Message));
        }
    }

    public override void OnFlow(FlowContext flowContext)
    {
    }

    public override void OnDisposition(DispositionContext dispositionContext)
    {
    }

    private static void Answer(ListenerLink link, Message request, Response response)
    {
        // Service Bus's clients read either spelling, each its own.
        var reply = new Message { Properties = new Properties(), ApplicationProperties = new ApplicationProperties() };
        var properties = reply.ApplicationProperties.Map;
        properties["status-code"] = properties["statusCode"] = response.Status;
        properties["status-description"] = properties["statusDescription"] = response.Description;
        if (response.Condition is not null) properties["errorCondition"] = new Symbol(response.Condition);
        reply.BodySection = new AmqpValue { Value = response.Body };
        reply.Properties.SetCorrelationId(request.Properties.GetMessageId());
        try
        {
            link.SendMessage(reply);
        }
        catch (Exception gone) when (ConsumerLink.IsLinkGone(gone))
        {
            // Whoever asked has gone.
        }
    }
}

/// <summary>A link on which a client gets its answers.</summary>
internal sealed class ReplyLink : LinkEndpoint
{
    public override void OnFlow(FlowContext flowContext)
    {
    }

    public override void OnDisposition(DispositionContext dispositionContext)
    {
    }
}

/// <summary>Requests on $cbs: a client shows its token.</summary>
internal sealed class TokenRequests(Authorization authorization) : RequestHandler
{
    public override void Handle(Message request, int size, Action<Response> answer)
    {
        if (request.ApplicationProperties?["operation"] as string != "put-token")
            answer(Response.From(501, BrokerErrors.NotImplemented("$cbs knows put-token only.")));
        else if (request.Body is not string token) answer(new Response(400, "A token was expected.", null, BrokerErrors.ArgumentErrorCondition));
        else if (!authorization.TryAccept(token, out var refusal)) answer(Response.From(401, BrokerErrors.Unauthorized(refusal)));
        else answer(new Response(202, "Accepted"));
    }
}
