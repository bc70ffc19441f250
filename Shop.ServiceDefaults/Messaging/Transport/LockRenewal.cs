using Amqp;
using Amqp.Types;
using Microsoft.Extensions.Logging;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>Renews the locks of what a receiver holds, buffered or in work, over <c>$management</c>, for as long as its connection lives.</summary>
internal sealed class LockRenewal(ReceiveLink link, BusClientOptions options, string entity, TimeProvider time, ILogger logger)
{
    private const int Gone = 410;
    private const int MaxTokens = 500;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    public async Task RunAsync()
    {
        AmqpRequestLink? management = null;
        using var timer = new PeriodicTimer(Interval, time);
        while (!link.Closed.IsCompleted && await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            var now = time.GetUtcNow();
            var due = link.TakeDueForRenewal(now, now + RetryDelay, MaxTokens);
            if (due.Count == 0) continue;
            using var timeout = new CancellationTokenSource(options.ConnectTimeout, time);
            try
            {
                // Attached when first needed: a projector that keeps up never needs it.
                management ??= await AmqpRequestLink.AttachAsync(link.Connection, $"{link.Address}/$management", timeout.Token);
                await RenewAsync(management, due, timeout.Token);
            }
            catch (Exception exception) when (AmqpConnection.IsOutage(exception) || exception is OperationCanceledException)
            {
                if (!link.Closed.IsCompleted) MessagingLog.LocksNotRenewed(logger, due.Count, entity, AmqpConnection.Describe(exception));
            }
        }
    }

    private async Task RenewAsync(AmqpRequestLink management, List<ReceivedEvent> due, CancellationToken cancellationToken)
    {
        var request = new Message(new Map { ["lock-tokens"] = due.Select(received => new Guid(received.Message.DeliveryTag)).ToArray() })
        {
            ApplicationProperties = new() { ["operation"] = "com.microsoft:renew-lock" },
        };
        var (status, description, reply) = await management.RequestAsync(request, cancellationToken);
        var now = time.GetUtcNow();
        if (status == 200)
        {
            var until = reply.Body is Map map && map["expirations"] is DateTime[] { Length: > 0 } expirations ? new DateTimeOffset(expirations[0]) : now;
            var renewAt = now + ReceivedEvent.Clamp((until - now) / 2);
            link.SetRenewal(due, renewAt);
        }
        else if (status == Gone && due.Count > 1)
        {
            // One lost lock fails the request for all of them.
            foreach (var received in due) await RenewAsync(management, [received], cancellationToken);
        }
        else
        {
            // A lost lock means another delivery: settling this one will change nothing.
            if (status == Gone) link.Forget(due[0]);
            MessagingLog.LocksNotRenewed(logger, due.Count, entity, $"{status} {description}");
        }
    }
}
