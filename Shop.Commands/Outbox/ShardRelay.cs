using System.Threading.Channels;
using Npgsql;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Commands.Outbox;

/// <summary>
/// Publishes one shard's log in order, several batches in flight. Hot path: groups that writers of this process hand over. Cold path: the
/// table, from the last acknowledged position. It never skips: positions must follow each other.
/// </summary>
internal sealed partial class ShardRelay(
    int shard, OutboxHandOff.ShardSlot slot, NpgsqlDataSource dataSource, EventPublisher publisher, TimeProvider time, ILogger<ShardRelay> logger)
{
    public const string Source = "/shop/commands";
    private const int MaxBatch = 500;
    private const int MaxInFlight = 8;
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ResendDelay = TimeSpan.FromMilliseconds(100);

    private readonly OutboxTable table = new(shard, dataSource, time);
    private readonly Queue<(Task<PublishResult[]> Sending, List<OutboxEvent> Events)> inFlight = new();
    private long sent;
    private long acked;
    private bool behind = true;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        acked = sent = await table.ReadAckedAsync(cancellationToken);
        var acknowledgements = Channel.CreateBounded<long>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        var saving = table.SaveAcknowledgementsAsync(acknowledgements.Reader);
        slot.Led = true;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await FillAsync(cancellationToken);
                await WaitAsync(cancellationToken);
                var before = acked;
                await SettleAsync(cancellationToken);
                if (acked > before) acknowledgements.Writer.TryWrite(acked);
                if (saving.IsCompleted) await saving;
            }
        }
        finally
        {
            slot.Led = false;
            acknowledgements.Writer.Complete();
            await saving;
        }
    }

    private async Task FillAsync(CancellationToken cancellationToken)
    {
        while (inFlight.Count < MaxInFlight)
        {
            var events = behind ? await ReadTableAsync(cancellationToken) : TakeHandedOver();
            if (events.Count == 0)
            {
                if (behind) continue;
                return;
            }

            sent = events[^1].Position;
            inFlight.Enqueue((publisher.PublishAsync(events.ConvertAll(ToCloudEvent), cancellationToken).AsTask(), events));
        }
    }

    private async Task<List<OutboxEvent>> ReadTableAsync(CancellationToken cancellationToken)
    {
        var events = await table.ReadAfterAsync(sent, MaxBatch, cancellationToken);
        behind = events.Count == MaxBatch;
        return events;
    }

    private List<OutboxEvent> TakeHandedOver()
    {
        var events = new List<OutboxEvent>();
        while (events.Count < MaxBatch && slot.Groups.Reader.TryRead(out var group))
        {
            var last = events.Count > 0 ? events[^1].Position : sent;
            if (group.Count == 0 || group[0].Position > last + 1)
            {
                // Woken, or a group was not handed over: the table has it.
                behind = true;
                break;
            }

            foreach (var handed in group)
            {
                if (handed.Position > last) events.Add(handed);
            }
        }

        return events;
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (behind && inFlight.Count < MaxInFlight) return;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reasons = new List<Task>(3);
        if (inFlight.TryPeek(out var oldest)) reasons.Add(oldest.Sending);
        else reasons.Add(Task.Delay(PollInterval, time, waiting.Token));
        if (inFlight.Count < MaxInFlight) reasons.Add(slot.Groups.Reader.WaitToReadAsync(waiting.Token).AsTask());
        var woken = await Task.WhenAny(reasons);
        if (inFlight.Count == 0 && woken == reasons[0]) behind = true;
        await waiting.CancelAsync();
    }

    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        while (inFlight.TryPeek(out var oldest) && oldest.Sending.IsCompleted)
        {
            inFlight.Dequeue();
            var results = await oldest.Sending;
            for (var index = 0; index < results.Length; index++)
            {
                if (results[index].Status == PublishStatus.Unknown)
                {
                    await SendAgainAsync(results[index].Reason, cancellationToken);
                    return;
                }

                if (results[index].Status == PublishStatus.Refused)
                {
                    // Waiting for ever on an event the broker will never take would stop the shard: it is kept aside, and the shard goes on.
                    Log.Parked(logger, shard, oldest.Events[index].Position, results[index].Reason);
                    await table.ParkAsync(oldest.Events[index], results[index].Reason ?? "refused", cancellationToken);
                }

                acked = oldest.Events[index].Position;
            }
        }
    }

    // What was sent after the lost one may have arrived: sending it again makes duplicates, which are harmless; skipping would lose.
    private async Task SendAgainAsync(string? reason, CancellationToken cancellationToken)
    {
        Log.SendingAgain(logger, shard, acked + 1, reason);
        await Task.WhenAll(inFlight.Select(batch => (Task)batch.Sending)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        inFlight.Clear();
        (sent, behind) = (acked, true);
        await Task.Delay(ResendDelay, time, cancellationToken);
    }

    private static CloudEvent ToCloudEvent(OutboxEvent row) =>
        new(row.EventId, Source, row.Type, row.Subject, row.OccurredAt, row.TraceParent, GroupKey: row.Subject, row.Data);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Shard {Shard}: sending again from position {Position}: {Reason}")]
        public static partial void SendingAgain(ILogger logger, int shard, long position, string? reason);

        [LoggerMessage(LogLevel.Error, "Shard {Shard}: the broker refuses the event at position {Position} for good, it is parked: {Reason}")]
        public static partial void Parked(ILogger logger, int shard, long position, string? reason);
    }
}
