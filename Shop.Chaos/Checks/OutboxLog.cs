namespace Shop.Chaos.Checks;

/// <summary>An event as the harness's own subscription got it.</summary>
/// <param name="EventId">Which.</param>
/// <param name="Subject">Of what.</param>
/// <param name="Version">Its version.</param>
/// <param name="Sequence">The broker's number: one for each time that it was published, in that order.</param>
/// <param name="At">When the broker got it, in seconds since the beginning.</param>
/// <param name="Arrived">When the harness got it, in seconds since the beginning.</param>
internal sealed record Delivery(Guid EventId, string Subject, int Version, long Sequence, double At, double Arrived);

/// <summary>
/// (b) The outbox is gap-free, per aggregate versions are 1..n in it, everything in it was accepted by the broker; what is published arrives
/// once when nothing is wrong, and first deliveries follow the version order.
/// </summary>
internal static class OutboxLog
{
    /// <summary>Of the events of the calm, so many may come twice: a machine that is busy with other things may make a leader change.</summary>
    private const double ToleratedDuplicates = 0.05;

    private const int FewDuplicates = 5;

    /// <summary>With fewer events than these a calm tells nothing about duplicates.</summary>
    public const int FewestInCalm = 8 * FewDuplicates;

    public static IEnumerable<Violation> Check(WriteSide write, IReadOnlyList<Delivery> deliveries, (double From, double To) calm, bool brokerKeptOrder) =>
        Positions(write).Concat(Versions(write)).Concat(Undelivered(write, deliveries)).Concat(Repeated(deliveries, calm)).Concat(brokerKeptOrder ? OutOfOrder(deliveries) : []);

    private static IEnumerable<Violation> Positions(WriteSide write)
    {
        foreach (var shard in write.Outbox.GroupBy(row => row.Shard))
        {
            var expected = 0L;
            foreach (var row in shard.OrderBy(row => row.Position))
            {
                if (row.Position != ++expected)
                {
                    yield return new('b', "the outbox has no gap", row.Subject, Violation.AtTheEnd, $"shard {shard.Key} has position {row.Position} where {expected} should be", []);
                    expected = row.Position;
                }
            }

            if (write.Acked.GetValueOrDefault(shard.Key) != expected)
                yield return new('b', "everything in the outbox is published", "", Violation.AtTheEnd, $"shard {shard.Key} ends at {expected}, the broker has accepted {write.Acked.GetValueOrDefault(shard.Key)}", []);
        }
    }

    private static IEnumerable<Violation> Versions(WriteSide write)
    {
        foreach (var subject in write.Outbox.GroupBy(row => row.Subject))
        {
            var expected = 0;
            foreach (var row in subject.OrderBy(row => row.Position))
            {
                if (row.Version == ++expected) continue;
                yield return new('b', "versions are 1..n in the outbox's order", subject.Key, Violation.AtTheEnd, $"position {row.Position} of shard {row.Shard} has version {row.Version} where {expected} should be", []);
                break;
            }

            if (subject.Select(row => row.Shard).Distinct().Count() > 1)
                yield return new('b', "an aggregate is in one shard", subject.Key, Violation.AtTheEnd, $"it is in {string.Join(", ", subject.Select(row => row.Shard).Distinct())}", []);
        }
    }

    private static IEnumerable<Violation> Undelivered(WriteSide write, IReadOnlyList<Delivery> deliveries)
    {
        var arrived = deliveries.Select(delivery => delivery.EventId).ToHashSet();
        return write.Outbox.Where(row => !arrived.Contains(row.EventId))
            .Select(row => new Violation('b', "every event is delivered", row.Subject, Violation.AtTheEnd, $"version {row.Version} (shard {row.Shard}, position {row.Position}) never reached a second subscription", []));
    }

    private static IEnumerable<Violation> Repeated(IReadOnlyList<Delivery> deliveries, (double From, double To) calm)
    {
        var first = deliveries.GroupBy(delivery => delivery.EventId).Where(copies => copies.Min(copy => copy.At) >= calm.From && copies.Min(copy => copy.At) <= calm.To).ToList();
        var repeated = first.Where(copies => copies.Select(copy => copy.Sequence).Distinct().Count() > 1).ToList();
        if (repeated.Count <= FewDuplicates || repeated.Count <= first.Count * ToleratedDuplicates) yield break;
        var example = repeated[0].First();
        yield return new('b', "one relay leads a shard at a time", example.Subject, example.At,
            $"of {first.Count} events published while nothing was wrong, {repeated.Count} were published more than once; the first was version {example.Version}, {repeated[0].Select(copy => copy.Sequence).Distinct().Count()} times", []);
    }

    private static IEnumerable<Violation> OutOfOrder(IReadOnlyList<Delivery> deliveries)
    {
        foreach (var subject in deliveries.OrderBy(delivery => delivery.Sequence).GroupBy(delivery => delivery.Subject))
        {
            var highest = 0;
            foreach (var delivery in subject)
            {
                if (delivery.Version > highest + 1)
                {
                    yield return new('b', "first deliveries follow the version order", subject.Key, delivery.At, $"version {delivery.Version} came before version {highest + 1}", []);
                    break;
                }

                highest = Math.Max(highest, delivery.Version);
            }
        }
    }
}
