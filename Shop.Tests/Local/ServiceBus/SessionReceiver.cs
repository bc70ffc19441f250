using Amqp.Framing;
using Amqp.Types;

namespace Shop.Tests.Local.ServiceBus;

/// <summary>A receiver of one session.</summary>
internal sealed class SessionReceiver : IAsyncDisposable
{
    private static readonly Symbol Filter = new("com.microsoft:session-filter");

    private SessionReceiver(Amqp.ReceiverLink link) => Link = link;

    public Amqp.ReceiverLink Link { get; }

    public static async Task<SessionReceiver> AcceptAsync(BrokerClient client, string entity, string? sessionId)
    {
        var attached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var attach = new Attach
        {
            Source = new Source { Address = entity, FilterSet = new Map { [Filter] = sessionId } },
            Target = new Target(),
        };
        var link = new Amqp.ReceiverLink(new Amqp.Session(client.Connection), $"session-{Guid.CreateVersion7()}", attach, (_, _) => attached.TrySetResult());
        await attached.Task.WaitAsync(BrokerClient.Patience);
        return new SessionReceiver(link);
    }

    public async ValueTask DisposeAsync()
    {
        if (!Link.IsClosed) await Link.CloseAsync();
    }
}
