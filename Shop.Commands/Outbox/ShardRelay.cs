using System.Threading.Channels;
using Shop.Commands.Observation;
using Shop.ServiceDefaults.Messaging;
using Shop.ServiceDefaults.Reliability;

namespace Shop.Commands.Outbox;

/// <summary>
/// Publishes one shard's log in order. Hot path: groups that writers of this process hand over. Cold path: the table, from the last
/// acknowledged position. It never skips: positions must follow each other. One batch is on its way at a time, because only the events of one
/// batch are sure to keep their order; the shards are on their way side by side.
/// </summary>
internal sealed partial class ShardRelay(
    int shard, OutboxHandOff.ShardSlot slot, OutboxTable table, PublishEvents publishAsync, WriteSideTelemetry telemetry, TimeProvider time,
    ILogger<ShardRelay> logger)
{
    public const string Source = "/shop/commands";
    private const int MaxBatch = 1_000;
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ResendDelay = TimeSpan.FromMilliseconds(100);

    private readonly List<long> committedAt = [];
    private long acked;
    private bool behind = true;

    /// <summary>One for as long as nothing comes: the channel would keep every one that was given up at a poll.</summary>
    private Task<bool>? waiting;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        acked = await table.ReadAckedAsync(cancellationToken);
        var acknowledgements = Channel.CreateBounded<long>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        var saving = table.SaveAcknowledgementsAsync(acknowledgements.Reader);
        slot.Led = true;
        try
        {
            while (true)
            {
                var events = await NextAsync(cancellationToken);
                // Also when there is nothing to do: the last position of a quiet shard would otherwise never be written.
                if (saving.IsCompleted) await saving;
                if (events.Count == 0) continue;
                await PublishAsync(events, cancellationToken);
                CrashPoint.Reached(CrashPoint.AfterPublishBeforeAck);
                acknowledgements.Writer.TryWrite(acked);
            }
        }
        finally
        {
            slot.Led = false;
            acknowledgements.Writer.Complete();
            await saving;
        }
    }

    private async Task<List<OutboxEvent>> NextAsync(CancellationToken cancellationToken)
    {
        committedAt.Clear();
        if (behind)
        {
            var rows = await table.ReadAfterAsync(acked, MaxBatch, cancellationToken);
            behind = rows.Count == MaxBatch;
            if (rows.Count > 0) return rows;
        }

        if (await WaitForGroupAsync(cancellationToken)) return TakeHandedOver();
        behind = true;
        return [];
    }

    private List<OutboxEvent> TakeHandedOver()
    {
        var events = new List<OutboxEvent>();
        while (events.Count < MaxBatch && slot.Groups.Reader.TryRead(out var group))
        {
            var last = events.Count > 0 ? events[^1].Position : acked;
            if (group.Events.Count == 0 || group.Events[0].Position > last + 1)
            {
                // Woken, or a group was not handed over: the table has it.
                behind = true;
                break;
            }

            // What the table has given already is not taken twice.
            foreach (var handed in group.Events)
            {
                if (handed.Position > last) events.Add(handed);
            }

            committedAt.Add(group.CommittedAt);
        }

        return events;
    }

    /// <summary>False when nothing was handed over for a while: then the table is asked, in case that a wake-up got lost.</summary>
    private async Task<bool> WaitForGroupAsync(CancellationToken cancellationToken)
    {
        waiting ??= slot.Groups.Reader.WaitToReadAsync(cancellationToken).AsTask();
        try
        {
            var isThere = await waiting.WaitAsync(PollInterval, time, cancellationToken);
            waiting = null;
            return isThere;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task PublishAsync(List<OutboxEvent> events, CancellationToken cancellationToken)
    {
        var results = await publishAsync(events.ConvertAll(ToCloudEvent), cancellationToken);
        telemetry.Published(results);
        for (var index = 0; index < results.Length; index++)
        {
            var (status, reason) = results[index];
            if (status == PublishStatus.Unknown)
            {
#if SEEDED_BUGS
                if (SeededBug.IsOn(SeededBug.CursorThatSkips))
                {
                    acked = events[^1].Position;
                    return;
                }

#endif
                // What was sent after it may have arrived: sending it again makes duplicates, which are harmless; skipping would lose.
                Log.SendingAgain(logger, shard, acked + 1, reason);
                behind = true;
                await Task.Delay(ResendDelay, time, cancellationToken);
                return;
            }

            if (status == PublishStatus.Refused)
            {
                // Waiting for ever on an event the broker will never take would stop the shard: it is kept aside, and the shard goes on.
                Log.Parked(logger, shard, events[index].Position, reason);
                await table.ParkAsync(events[index], reason ?? "refused", cancellationToken);
                telemetry.Parked();
            }

            acked = events[index].Position;
        }

        telemetry.Relayed(committedAt);
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
