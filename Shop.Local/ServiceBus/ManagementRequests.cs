using Amqp;
using Amqp.Types;

namespace Shop.Local.ServiceBus;

/// <summary>Requests on an entity's $management node, as in "AMQP 1.0 in Azure Service Bus: request-response-based operations".</summary>
internal sealed class ManagementRequests(BrokerEngine engine, Destination? destination, Mailbox? mailbox) : RequestHandler
{
    public override void Handle(Message request, int size, Action<Response> answer)
    {
        var name = request.ApplicationProperties?["operation"] as string ?? "";
        var body = request.Body as Map ?? [];
        engine.Post(new Request(size, answer, () => Answer(name, body)));
    }

    private Response Answer(string operation, Map body) => (operation, destination, mailbox) switch
    {
        ("com.microsoft:schedule-message", { } to, _) => ManagementSends.Schedule(engine, to, body),
        ("com.microsoft:cancel-scheduled-message", { } to, _) => ManagementSends.Cancel(to, body),
        ("com.microsoft:peek-message", _, { } from) => ManagementReceives.Peek(engine, from, body),
        ("com.microsoft:renew-lock", _, { } from) => ManagementReceives.RenewLocks(from, body),
        ("com.microsoft:receive-by-sequence-number", _, { } from) => ManagementReceives.ReceiveDeferred(engine, from, body),
        ("com.microsoft:update-disposition", _, { } from) => ManagementReceives.Settle(from, body),
        ("com.microsoft:renew-session-lock", _, { } from) => ManagementSessions.Renew(from, body),
        ("com.microsoft:get-session-state", _, { } from) => ManagementSessions.GetState(from, body),
        ("com.microsoft:set-session-state", _, { } from) => ManagementSessions.SetState(from, body),
        _ => Response.From(501, BrokerErrors.NotImplemented($"The operation '{operation}' is not supported here.")),
    };

    private sealed class Request(int size, Action<Response> answer, Func<Response> handle) : Operation
    {
        private Response response;

        public override int Size => size;

        public override void Apply(BrokerEngine engine) => response = handle();

        public override void Committed() => answer(response);

        public override void Failed(Exception error) =>
            answer(new Response(400, error.Message, null, BrokerErrors.ArgumentErrorCondition));
    }
}

internal static class ManagementSends
{
    public static Response Schedule(BrokerEngine engine, Destination destination, Map body)
    {
        List<IncomingMessage> messages = [];
        foreach (var item in (List)body["messages"]) messages.Add(MessageFormat.Parse((byte[])((Map)item)["message"]));
        if (Publishing.Check(destination, messages) is { } error) return Response.From(400, error);
        return Response.Ok(new Map { ["sequence-numbers"] = Publishing.Publish(engine, destination, messages) });
    }

    public static Response Cancel(Destination destination, Map body)
    {
        foreach (var sequenceNumber in (long[])body["sequence-numbers"])
        {
            var isCancelled = false;
            foreach (var mailbox in destination.Mailboxes) isCancelled |= mailbox.TryCancelSchedule(sequenceNumber);
            if (!isCancelled)
            {
                return new Response(404, $"There is no scheduled message with the sequence number {sequenceNumber}.", null,
                    BrokerErrors.MessageNotFoundCondition);
            }
        }

        return Response.Ok();
    }
}

internal static class ManagementSessions
{
    public static Response Renew(Mailbox mailbox, Map body) =>
        mailbox.Properties.RequiresSession && mailbox.TryRenewSession(SessionId(body)) is { } until
            ? Response.Ok(new Map { ["expiration"] = until })
            : Lost(mailbox);

    public static Response GetState(Mailbox mailbox, Map body) =>
        mailbox.IsSessionLocked(SessionId(body)) ? Response.Ok(new Map { ["session-state"] = mailbox.GetSessionState(SessionId(body)) }) : Lost(mailbox);

    public static Response SetState(Mailbox mailbox, Map body)
    {
        if (!mailbox.IsSessionLocked(SessionId(body))) return Lost(mailbox);
        mailbox.SetSessionState(SessionId(body), body["session-state"] as byte[]);
        return Response.Ok();
    }

    private static string SessionId(Map body) => body["session-id"] as string ?? throw new ArgumentException("A session-id was expected.");

    private static Response Lost(Mailbox mailbox) => Response.From(410, BrokerErrors.SessionLockLost(mailbox.Name));
}
