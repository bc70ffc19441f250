namespace Shop.Local.ServiceBus;

/// <summary>A receiver that waits for a session to become free.</summary>
internal sealed record SessionWaiter(SessionAttach Attach, DateTime Deadline);

internal sealed partial class Mailbox
{
    private readonly Dictionary<string, MessageSession> sessions = new(StringComparer.Ordinal);
    private readonly LinkedList<MessageSession> sessionLocks = [];
    private readonly Dictionary<MessageSession, LinkedListNode<MessageSession>> sessionLockNodes = [];
    private readonly Queue<MessageSession> offered = new();
    private readonly LinkedList<SessionWaiter> waiters = [];
    private readonly Queue<MessageSession> sessionsToServe = new();

    private static readonly TimeSpan WaiterCheckInterval = TimeSpan.FromMilliseconds(250);
    private DateTime nextWaiterCheck = DateTime.MaxValue;

    /// <summary>Gives a receiver the session that it names, if nobody has it.</summary>
    public bool TryLockSession(string sessionId, SessionAttach attach)
    {
        var session = FindOrAddSession(sessionId);
        if (session.Owner is not null) return false;
        Own(session, attach);
        return true;
    }

    /// <summary>Gives a receiver the next free session with messages, now or before the deadline.</summary>
    public void LockNextSession(SessionAttach attach, DateTime deadline)
    {
        if (TryTakeOffered(out var session)) Own(session, attach);
        else Wait(new SessionWaiter(attach, deadline));
    }

    public DateTime? TryRenewSession(string sessionId)
    {
        if (!sessions.TryGetValue(sessionId, out var session) || session.Owner is null || session.LockedUntil <= engine.Now) return null;
        var node = sessionLockNodes[session];
        sessionLocks.Remove(node);
        session.LockedUntil = engine.Now + Properties.LockDuration;
        sessionLocks.AddLast(node);
        for (var entry = session.Locks.First; entry is not null; entry = entry.NextLock) entry.LockedUntil = session.LockedUntil;
        return session.LockedUntil;
    }

    public bool IsSessionLocked(string sessionId) =>
        sessions.TryGetValue(sessionId, out var session) && session.Owner is not null && session.LockedUntil > engine.Now;

    public byte[]? GetSessionState(string sessionId) => sessions.TryGetValue(sessionId, out var session) ? session.State : null;

    public void SetSessionState(string sessionId, byte[]? state)
    {
        var session = FindOrAddSession(sessionId);
        session.State = state;
        engine.Log?.AppendSessionState(this, session);
        if (state is null) ForgetSessionIfUnused(sessionId);
    }

    public void RestoreSessionState(string sessionId, byte[]? state, LogSegment segment)
    {
        var session = FindOrAddSession(sessionId);
        session.State = state;
        MessageLog.AccountSessionState(session, segment);
        if (state is null) ForgetSessionIfUnused(sessionId);
    }

    public MessageSession? FindSession(string sessionId) => sessions.GetValueOrDefault(sessionId);

    /// <summary>A session's receiver has gone: its messages are free at once, and no delivery has failed.</summary>
    public void CloseSession(MessageSession session, ConsumerLink owner)
    {
        if (session.Owner == owner) FreeSession(session, failDeliveries: false);
    }

    private void Wait(SessionWaiter waiter)
    {
        waiters.AddLast(waiter);
        if (nextWaiterCheck == DateTime.MaxValue) nextWaiterCheck = engine.Now + WaiterCheckInterval;
    }

    private void Own(MessageSession session, SessionAttach attach)
    {
        session.LockedUntil = engine.Now + Properties.LockDuration;
        session.Owner = attach.Accept(session);
        sessionLockNodes[session] = sessionLocks.AddLast(session);
        Serve(session);
    }

    private void FreeSession(MessageSession session, bool failDeliveries)
    {
        session.Owner = null;
        if (sessionLockNodes.Remove(session, out var node)) sessionLocks.Remove(node);
        while (session.Locks.First is { } entry)
        {
            if (failDeliveries) FailDelivery(entry);
            else TakeBack(entry, entry.LockToken);
        }

        Offer(session);
        ForgetSessionIfUnused(session.Id);
    }

    private void OnTimeForSessions()
    {
        while (sessionLocks.First is { } node && node.Value.LockedUntil <= engine.Now)
        {
            var owner = node.Value.Owner!;
            FreeSession(node.Value, failDeliveries: true);
            engine.AfterCommit(() => owner.Close(BrokerErrors.SessionLockLost(Name)));
        }

        if (nextWaiterCheck > engine.Now) return;
        for (var waiter = waiters.First; waiter is not null;)
        {
            var next = waiter.Next;
            if (waiter.Value.Deadline <= engine.Now || waiter.Value.Attach.IsAbandoned)
            {
                waiters.Remove(waiter);
                waiter.Value.Attach.Refuse(BrokerErrors.NoSessionAvailable(Name));
            }

            waiter = next;
        }

        nextWaiterCheck = waiters.Count > 0 ? engine.Now + WaiterCheckInterval : DateTime.MaxValue;
    }

    private void ReturnToSession(MailboxEntry entry)
    {
        var session = SessionOf(entry);
        session.Ready.Add(entry);
        if (session.Owner is null) Offer(session);
        else Serve(session);
    }

    private void Offer(MessageSession session)
    {
        if (session.IsOffered || session.Ready.IsEmpty) return;
        session.IsOffered = true;
        offered.Enqueue(session);
        while (waiters.First is { } waiter && TryTakeOffered(out var free))
        {
            waiters.RemoveFirst();
            if (waiter.Value.Attach.IsAbandoned) Offer(free);
            else Own(free, waiter.Value.Attach);
        }
    }

    private bool TryTakeOffered(out MessageSession session)
    {
        while (offered.TryDequeue(out session!))
        {
            session.IsOffered = false;
            if (session.Owner is null && !session.Ready.IsEmpty) return true;
        }

        return false;
    }

    /// <summary>Notes that a locked session may have something for its receiver.</summary>
    private void Serve(MessageSession session)
    {
        sessionsToServe.Enqueue(session);
        MarkDirty();
    }

    private void DeliverSessions()
    {
        while (hungry.First is { Value: var consumer })
        {
            RemoveHungry(consumer);
            if (consumer.Session is { } session) sessionsToServe.Enqueue(session);
        }

        while (sessionsToServe.TryDequeue(out var session))
        {
            while (session.Owner is { CanTake: true } owner && session.Ready.TryTake(out var entry))
            {
                if (IsExpired(entry)) continue;
                Deliver(owner, entry, session.Locks);
                entry.LockedUntil = session.LockedUntil;
            }
        }
    }

    private MessageSession SessionOf(MailboxEntry entry) => FindOrAddSession(entry.Message.SessionId ?? "");

    private MessageSession FindOrAddSession(string sessionId)
    {
        if (!sessions.TryGetValue(sessionId, out var session)) sessions[sessionId] = session = new MessageSession(sessionId);
        return session;
    }

    private void ForgetSessionIfUnused(string? sessionId)
    {
        if (!Properties.RequiresSession || sessionId is null || !sessions.TryGetValue(sessionId, out var session)) return;
        if (session is { Owner: null, State: null, Locks.First: null, IsOffered: false } && session.Ready.IsEmpty) sessions.Remove(sessionId);
    }
}
