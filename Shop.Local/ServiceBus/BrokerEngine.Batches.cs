using Amqp;

namespace Shop.Local.ServiceBus;

internal sealed partial class BrokerEngine
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private void Run()
    {
        try
        {
            while (TakeBatch()) RunBatch();
            Log?.Dispose();
            completion.SetResult();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or InvalidOperationException)
        {
            // The log cannot be trusted any more, so nothing of this batch is acknowledged and nothing more is taken.
            completion.SetException(error);
        }
    }

    private bool TakeBatch()
    {
        lock (gate)
        {
            while (waiting.Count == 0 && Dirty.Count == 0 && !isStopping)
            {
                var due = NextDue() - time.GetUtcNow().UtcDateTime;
                if (due <= TimeSpan.Zero) break;
                Monitor.Wait(gate, due < LongestWait ? due + TimeSpan.FromMilliseconds(1) : LongestWait);
            }

            if (waiting.Count == 0 && isStopping) return false;
            (waiting, working) = (working, waiting);
        }

        Now = time.GetUtcNow().UtcDateTime;
        Faults.Refresh(Now);
        return true;
    }

    private void RunBatch()
    {
        long size = 0;
        var isAwaited = false;
        for (var i = 0; i < working.Count; i++)
        {
            size += working[i].Size;
            isAwaited |= working[i].IsAwaited;
            Apply(working, i);
        }

        foreach (var mailbox in Mailboxes)
        {
            if (mailbox.NextDue <= Now) mailbox.OnTime();
        }

        // Delivering may find expired messages, which make their dead-letter queue dirty.
        for (var i = 0; i < Dirty.Count; i++) Dirty[i].Deliver();
        Dirty.Clear();
        Log?.Flush(isAwaited);
        foreach (var operation in working) operation.Committed();
        working.Clear();
        SendAll();
        foreach (var message in uncached) Evict(message);
        uncached.Clear();
        foreach (var action in afterCommit) action();
        afterCommit.Clear();
        Log?.Reclaim();
        MakeRoom(size);
    }

    private void Apply(List<Operation> operations, int index)
    {
        try
        {
            operations[index].Apply(this);
        }
        catch (Exception error) when (error is AmqpException or InvalidDataException or InvalidCastException or ArgumentException or InvalidOperationException or NullReferenceException or KeyNotFoundException)
        {
            // A request that makes no sense to us must not stop the others.
            operations[index].Failed(error);
            operations[index] = new Refused();
        }
    }

    private void SendAll()
    {
        foreach (var (consumer, entry, token, encoded) in sends)
        {
            var isStillMine = encoded is not null || (entry.State is EntryState.Locked && entry.LockToken == token);
            if (isStillMine && !consumer.TrySend(entry, token, encoded ?? Encode(entry, locked: true))) entry.Mailbox.TakeBack(entry, token);
        }

        sends.Clear();
    }

    private DateTime NextDue()
    {
        var due = DateTime.MaxValue;
        foreach (var mailbox in Mailboxes)
        {
            if (mailbox.NextDue < due) due = mailbox.NextDue;
        }

        return due;
    }

    private void MakeRoom(long size)
    {
        lock (gate)
        {
            waitingBytes -= size;
            if (room is null || waitingBytes >= MaxWaitingBytes) return;
            room.SetResult();
            room = null;
        }
    }

    private sealed class Refused : Operation
    {
        public override void Apply(BrokerEngine engine)
        {
        }
    }
}
