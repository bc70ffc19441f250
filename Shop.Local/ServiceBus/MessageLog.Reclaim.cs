namespace Shop.Local.ServiceBus;

internal sealed partial class MessageLog
{
    /// <summary>So many small segments, left by restarts, are tolerated before they are rewritten.</summary>
    private const int MaxSegmentsWithoutNeed = 16;

    /// <summary>Everybody waits while a segment is rewritten.</summary>
    private const int MaxRewritesAtOnce = 2;

    /// <summary>
    /// Begins a new segment when the active one is full, deletes the oldest ones that nobody needs, and rewrites the oldest when
    /// the log has grown to more than twice what is in it. Everything appended must have been flushed.
    /// </summary>
    public void Reclaim()
    {
        if (active.Length < segmentSize)
        {
            DropSettled();
            return;
        }

        Flush();
        BeginSegment();
        Compact();
    }

    private void Compact()
    {
        DropSettled();
        for (var i = 0; i < MaxRewritesAtOnce && IsMostlySettled(); i++)
        {
            RewriteOldest();
            DropSettled();
        }

        Flush();
    }

    private bool IsMostlySettled()
    {
        var total = segments.Sum(segment => segment.Length);
        return segments.Count > 2
            && (total > 2 * liveBytes + 2L * segmentSize || segments.Count > MaxSegmentsWithoutNeed + (total / segmentSize * 2));
    }

    private void DropSettled()
    {
        while (segments.Count > 1 && segments[0].Live == 0)
        {
            segments[0].Delete();
            segments.RemoveAt(0);
        }
    }

    /// <summary>Appends again what is still wanted of the oldest segment, in its present state, and deletes the segment.</summary>
    private void RewriteOldest()
    {
        var oldest = segments[0];
        var reader = new SegmentReader(oldest);
        while (reader.TryRead(out var type, out var payload) && oldest.Live > 0)
        {
            var record = new LogReader(payload);
            if (type is LogRecordType.Message) RewriteMessage(oldest, reader.RecordStart, ref record);
            if (type is LogRecordType.Names) ReplayNames(ref record);
            if (type is LogRecordType.SessionState && mailboxesById[record.Mailbox()] is { } mailbox
                && mailbox.FindSession(record.Text()) is { } session && session.StateSegment == oldest)
                AppendSessionState(mailbox, session);
            if (buffer.Length > segmentSize / 4) Flush();
        }

        if (oldest.Live > 0) throw new InvalidDataException($"{oldest.Path} does not hold what it should.");
        Flush();
        oldest.Delete();
        segments.RemoveAt(0);
    }

    private void RewriteMessage(LogSegment oldest, long start, ref LogReader reader)
    {
        var record = MessageRecord.Read(ref reader);
        var destination = destinationsById[record.DestinationId];
        if (!destination.Places.TryGet(record.SequenceNumber, out var place) || place.Segment != oldest.Number || place.Offset != start) return;
        List<Holding> holders = [];
        foreach (var state in record.States)
        {
            var mailbox = mailboxesById[state.MailboxId];
            foreach (var holder in new[] { mailbox, mailbox.DeadLetterQueue })
            {
                if (holder is null) continue;
                if (holder.Index.TryGet(record.SequenceNumber, out var entry)) holders.Add(new Holding(holder, entry));
                else if (holder.Index.IsResting(record.SequenceNumber)) holders.Add(new Holding(holder));
            }
        }

        AppendMessage(record.ToMessage(destination), holders.ToArray());
    }
}
