using System.Collections.Concurrent;
using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace Shop.Tests.ServiceDefaults.Messaging;

/// <summary>An AMQP peer that answers each message as the test says, with outcomes that a well-behaved broker rarely gives.</summary>
internal sealed class ScriptedBroker : IMessageProcessor, IRequestProcessor, IDisposable
{
    public const string Topic = "shop-events";
    private readonly ContainerHost host;
    private readonly Func<Message, Error?> outcome;

    public ScriptedBroker(Func<Message, Error?> outcome)
    {
        this.outcome = outcome;
        Port = FreePort();
        host = new ContainerHost(new Address($"amqp://127.0.0.1:{Port}"));
        host.Listeners[0].SASL.EnableAnonymousMechanism = true;
        host.RegisterMessageProcessor(Topic, this);
        host.RegisterRequestProcessor("$cbs", this);
        host.Open();
    }

    public int Port { get; }

    public string ConnectionString => $"Endpoint=sb://127.0.0.1:{Port};UseDevelopmentEmulator=true";

    public ConcurrentQueue<Message> Messages { get; } = new();

    public ConcurrentQueue<(string Token, string Type, string Audience)> Tokens { get; } = new();

    /// <summary>What put-token answers: a status and a description.</summary>
    public Func<string, (int Status, string Description)> Authorize { get; set; } = _ => (202, "Accepted");

    int IMessageProcessor.Credit => 1000;

    void IMessageProcessor.Process(MessageContext messageContext)
    {
        Messages.Enqueue(messageContext.Message);
        if (outcome(messageContext.Message) is { } error) messageContext.Complete(error);
        else messageContext.Complete();
    }

    int IRequestProcessor.Credit => 100;

    void IRequestProcessor.Process(RequestContext requestContext)
    {
        var properties = requestContext.Message.ApplicationProperties;
        var token = (string)requestContext.Message.Body;
        Tokens.Enqueue((token, (string)properties["type"], (string)properties["name"]));
        var (status, description) = Authorize(token);
        requestContext.Complete(new Message
        {
            ApplicationProperties = new() { ["status-code"] = status, ["status-description"] = description },
            BodySection = new AmqpValue { Value = "" },
        });
    }

    public void Dispose() => host.Close();

    public static int FreePort() => Shop.Local.Supervision.FreePort.Next();
}
