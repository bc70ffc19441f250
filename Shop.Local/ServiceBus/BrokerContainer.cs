using System.Security.Cryptography.X509Certificates;
using Amqp;
using Amqp.Framing;
using Amqp.Handler;
using Amqp.Listener;

namespace Shop.Local.ServiceBus;

/// <summary>What the AMQP library asks for: links and messages. Messages are copied as they are instead of decoded.</summary>
internal sealed class BrokerContainer : IContainer
{
    private readonly ContainerHost host;

    public BrokerContainer(Address address, ConnectionAcceptor acceptor, ILinkProcessor links)
    {
        host = new ContainerHost(address);
        host.CustomTransports["amqp"] = acceptor;
        host.RegisterLinkProcessor(links);
    }

    public X509Certificate2 ServiceCertificate => throw new NotSupportedException("The broker has no TLS.");

    public IDictionary<string, TransportProvider> CustomTransports => host.CustomTransports;

    public Message CreateMessage(ByteBuffer buffer) => new EncodedMessage(buffer.Buffer.AsSpan(buffer.Offset, buffer.Length).ToArray());

    public Link CreateLink(ListenerConnection connection, ListenerSession session, Attach attach) =>
        ((IContainer)host).CreateLink(connection, session, attach);

    public bool AttachLink(ListenerConnection connection, ListenerSession session, Link link, Attach attach)
    {
        // The host looks into source and target without asking whether they are what it expects.
        if (attach.Role ? attach.Source is not Source : attach.Target is not Target)
            throw new AmqpException(ErrorCode.NotImplemented, "Only links with an ordinary source or target are supported.");
        return ((IContainer)host).AttachLink(connection, session, link, attach);
    }
}

/// <summary>Sets delivery tags, which the library offers only here: a receiver finds its lock token in the tag. Answers need no settlement.</summary>
internal sealed class DeliveryTagHandler : IHandler
{
    public bool CanHandle(EventId id) => id is EventId.SendDelivery;

    public void Handle(Event protocolEvent)
    {
        if (protocolEvent is not { Id: EventId.SendDelivery, Context: IDelivery delivery }) return;
        if (delivery.Message is OutgoingMessage message) delivery.Tag = message.Token.ToByteArray();
        else delivery.Settled = true;
    }
}
