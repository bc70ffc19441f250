using System.Globalization;
using Shop.Chaos.History;
using Shop.Contracts.Views;

namespace Shop.Chaos.Checks;

/// <summary>
/// (c) Every read is explainable: the versions of an order never go back, no read that said what it had seen was without it, and no document
/// ever showed a state that the write side never had.
/// </summary>
internal static class ReadsExplained
{
    public static IEnumerable<Violation> Check(RecordedHistory history, WriteSide write)
    {
        var states = new EverythingThatWas(write);
        return history.Reads.Where(read => read.Status == 200).SelectMany(read => States(read, states))
            .Concat(history.Reads.SelectMany(read => WithoutSeen(read, write)))
            .Concat(GoingBack(history));
    }

    private static IEnumerable<Violation> States(Read read, EverythingThatWas states)
    {
        foreach (var document in read.Orders ?? [])
        {
            if (states.WhyNot(document) is { } why)
                yield return new('c', "no document shows a state that the write side never had", $"order/{document.Id}", read.End, $"read {read.Seq} of {read.To}: {why}", [read.Seq]);
        }

        if (read.Summary is { } summary && states.WhyNot(summary) is { } wrong)
            yield return new('c', "no summary shows what never was", read.Subject, read.End, $"read {read.Seq} of {read.To}: {wrong}", [read.Seq]);
        foreach (var seller in read.BestSellers?.Products ?? [])
        {
            if (states.WhyNot(seller) is { } never)
                yield return new('c', "no summary shows what never was", $"product/{seller.ProductId}", read.End, $"read {read.Seq} of {read.To}: {never}", [read.Seq]);
        }
    }

    private static IEnumerable<Violation> WithoutSeen(Read read, WriteSide write)
    {
        foreach (var seen in read.Seen)
        {
            if (WhyWithout(read, seen, write) is { } why)
                yield return new('c', "no read that says what it has seen is without it", read.Subject, read.End, $"read {read.Seq} of {read.To} had seen {seen.Subject}:{seen.Version}, and {why}", [read.Seq]);
        }
    }

    private static string? WhyWithout(Read read, Seen seen, WriteSide write)
    {
        if (read.Status == 404) return seen.Subject == read.Subject ? "was told that there is nothing" : null;
        if (read.Status != 200) return null;
        var nameVersion = write.Event(seen.Subject, seen.Version) is { } row ? row.Customer?.NameVersion ?? row.Product?.NameVersion ?? 0 : 0;
        foreach (var document in read.Orders ?? [])
        {
            if (seen.Subject == $"order/{document.Id}" && document.Version < seen.Version) return $"got version {document.Version} of it";
            if (seen.Subject == $"customer/{document.CustomerId}" && document.CustomerVersion < nameVersion) return $"got order {document.Id} with the customer's name of version {document.CustomerVersion}";
            foreach (var line in document.Items.Where(line => seen.Subject == $"product/{line.ProductId}" && line.ProductVersion < nameVersion))
                return $"got order {document.Id} with the product's name of version {line.ProductVersion}";
        }

        if (read.Summary is { } summary && seen.Subject == $"customer/{summary.Id}" && summary.Version < seen.Version) return $"got version {summary.Version} of it";
        return read.Kind switch
        {
            ReadKind.History => WhyMissing(read, seen, write),
            ReadKind.Summary => WhyTooSmall(read, read.Summary!, write),
            _ => null,
        };
    }

    private static string? WhyMissing(Read read, Seen seen, WriteSide write)
    {
        if (write.Event(seen.Subject, seen.Version)?.Order is not { } order || $"customer/{order.CustomerId}" != read.Subject) return null;
        if (read.Orders!.Any(document => document.Id == order.OrderId)) return null;
        // Newest first: what is older than the page's end may be on the next one.
        return read.IsComplete || order.OrderDate > read.Orders![^1].OrderDate ? "got a list without it" : null;
    }

    /// <summary>What was seen and never cancelled is in the sums.</summary>
    private static string? WhyTooSmall(Read read, CustomerSummary summary, WriteSide write)
    {
        var counted = read.Seen.Select(seen => write.Event(seen.Subject, seen.Version)?.Order)
            .Where(order => order is not null && order.CustomerId == summary.Id && !write.WasEverCancelled(order.OrderId)).ToList();
        if (summary.Orders < counted.Count) return $"got a summary of {summary.Orders} orders, fewer than the {counted.Count} seen";
        var total = counted.Sum(order => order!.TotalAmount);
        return summary.TotalSpent < total ? string.Create(CultureInfo.InvariantCulture, $"got a summary of {summary.TotalSpent:0.00}, less than the {total:0.00} seen") : null;
    }

    /// <summary>Of any client and any instance: one that begins after another has ended shows no less.</summary>
    private static IEnumerable<Violation> GoingBack(RecordedHistory history)
    {
        var observed = history.Reads.SelectMany(Observations).GroupBy(observation => observation.Subject);
        foreach (var subject in observed)
        {
            var ended = new PriorityQueue<Observation, double>();
            Observation? highest = null;
            foreach (var observation in subject.OrderBy(observation => observation.Read.Start))
            {
                while (ended.TryPeek(out var next, out var end) && end < observation.Read.Start)
                {
                    ended.Dequeue();
                    if (highest is null || next.Version > highest.Version) highest = next;
                }

                if (highest is not null && observation.Version < highest.Version)
                {
                    var rule = observation.Read.Client == highest.Read.Client ? "within a session a version never goes back" : "a document's version never goes back";
                    yield return new('c', rule, subject.Key, observation.Read.End, string.Create(CultureInfo.InvariantCulture,
                        $"client {observation.Read.Client} read version {observation.Version} from {observation.Read.To} at {observation.Read.Start:0.000} s, after client {highest.Read.Client} had read version {highest.Version} from {highest.Read.To} at {highest.Read.End:0.000} s"),
                        [highest.Read.Seq, observation.Read.Seq]);
                }

                ended.Enqueue(observation, observation.Read.End);
            }
        }
    }

    private static IEnumerable<Observation> Observations(Read read)
    {
        if (read is { Kind: ReadKind.Order, Status: 404 }) return [new(read.Subject, 0, read)];
        return (read.Orders ?? []).Select(document => new Observation($"order/{document.Id}", document.Version, read));
    }

    private sealed record Observation(string Subject, int Version, Read Read);
}
