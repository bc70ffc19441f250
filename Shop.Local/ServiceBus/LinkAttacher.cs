using Amqp.Framing;
using Amqp.Listener;
using Amqp.Types;

namespace Shop.Local.ServiceBus;

/// <summary>Decides what an attaching link gets: a destination, a mailbox, $cbs, $management, or an error.</summary>
internal sealed class LinkAttacher(BrokerEngine engine, int maxMessageSize) : ILinkProcessor
{
    public const string Management = "$management";
    private const string Cbs = "$cbs";
    private static readonly Symbol SessionFilter = new("com.microsoft:session-filter");
    private static readonly Symbol Timeout = new("com.microsoft:timeout");
    private static readonly string[] SupportedFilters = ["com.microsoft:session-filter"];
    private static readonly TimeSpan DefaultSessionTimeout = TimeSpan.FromSeconds(60);

    public void Process(AttachContext attachContext)
    {
        var link = attachContext.Link;
        if (BrokerTransport.Of(link.Session.Connection) is not { } transport)
        {
            attachContext.Complete(BrokerErrors.InternalError("The connection is closing."));
            return;
        }

        var attach = attachContext.Attach;
        attach.MaxMessageSize = (ulong)maxMessageSize;
        var address = Authorization.PathOf((link.Role ? (attach.Target as Target)?.Address : (attach.Source as Source)?.Address) ?? "");
        if (address.Equals(Cbs, StringComparison.OrdinalIgnoreCase))
        {
            AttachRequests(attachContext, transport, new TokenRequests(transport.Authorization));
            return;
        }

        var isManagement = address.EndsWith("/" + Management, StringComparison.OrdinalIgnoreCase);
        var entity = isManagement ? address[..^(Management.Length + 1)] : address;
        if (!transport.Authorization.Allows(entity))
            attachContext.Complete(BrokerErrors.Unauthorized($"Unauthorized access. 'Listen' or 'Send' claims are required for '{entity}'."));
        else if (isManagement) AttachManagement(attachContext, transport, entity);
        else if (link.Role) AttachPublisher(attachContext, transport, entity);
        else AttachConsumer(attachContext, transport, entity);
    }

    private void AttachPublisher(AttachContext context, BrokerTransport transport, string entity)
    {
        if (engine.Destinations.TryGetValue(entity, out var destination))
            context.Complete(new PublisherLink(engine, destination, context.Link, transport.Authorization, maxMessageSize), PublisherLink.Credit);
        else if (engine.MailboxesByName.ContainsKey(entity)) context.Complete(BrokerErrors.NotAllowed($"Nothing can be sent to '{entity}'."));
        else context.Complete(BrokerErrors.EntityNotFound(entity));
    }

    private void AttachManagement(AttachContext context, BrokerTransport transport, string entity)
    {
        engine.Destinations.TryGetValue(entity, out var destination);
        engine.MailboxesByName.TryGetValue(entity, out var mailbox);
        if (destination is null && mailbox is null) context.Complete(BrokerErrors.EntityNotFound(entity));
        else AttachRequests(context, transport, new ManagementRequests(engine, destination, mailbox));
    }

    /// <summary>Answers go to the link that the client has for them: some name it by its target's address, some by the link's name.</summary>
    private static void AttachRequests(AttachContext context, BrokerTransport transport, RequestHandler handler)
    {
        var link = context.Link;
        if (link.Role)
        {
            context.Complete(new RequestLink(handler, transport.ReplyLinks), RequestLink.Credit);
            return;
        }

        var names = new[] { (context.Attach.Target as Target)?.Address, context.Attach.LinkName }.OfType<string>().Where(name => name.Length > 0);
        foreach (var name in names)
        {
            transport.ReplyLinks[name] = link;
            link.Closed += (_, _) => transport.ReplyLinks.TryRemove(KeyValuePair.Create(name, link));
        }

        context.Complete(new ReplyLink(), 0);
    }

    private void AttachConsumer(AttachContext context, BrokerTransport transport, string entity)
    {
        if (!engine.MailboxesByName.TryGetValue(entity, out var mailbox))
        {
            context.Complete(engine.Destinations.ContainsKey(entity)
                ? BrokerErrors.NotAllowed($"'{entity}' is a topic; receive from one of its subscriptions.")
                : BrokerErrors.EntityNotFound(entity));
            return;
        }

        var source = (Source)context.Attach.Source;
        if (source.FilterSet?.Keys.FirstOrDefault(key => !SupportedFilters.Contains(key.ToString())) is { } unknown)
        {
            context.Complete(BrokerErrors.NotImplemented($"The filter '{unknown}' is not supported."));
            return;
        }

        var wantsSession = source.FilterSet?.ContainsKey(SessionFilter) == true;
        if (wantsSession != mailbox.Properties.RequiresSession)
        {
            context.Complete(BrokerErrors.NotAllowed(wantsSession
                ? "A sessionful message receiver cannot be created on an entity that does not require sessions."
                : "It is not possible for an entity that requires sessions to create a non-sessionful message receiver."));
            return;
        }

        if (wantsSession)
        {
            AttachToSession(context, transport, mailbox, source);
            return;
        }

        var consumer = new ConsumerLink(engine, mailbox, context.Link, transport.Authorization);
        consumer.Attached();
        context.Complete(consumer, 0);
    }

    private void AttachToSession(AttachContext context, BrokerTransport transport, Mailbox mailbox, Source source)
    {
        var wanted = source.FilterSet[SessionFilter];
        if (wanted is DescribedValue described) wanted = described.Value;
        var timeout = context.Attach.Properties?[Timeout] is uint milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : DefaultSessionTimeout;
        engine.Post(new SessionAttach(engine, mailbox, context, transport, wanted as string, timeout));
    }
}
