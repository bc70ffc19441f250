using Shop.Chaos.Checks;
using Shop.Contracts.Views;

namespace Shop.Tests.Chaos;

/// <summary>Checks (b), (d), (e) and (f): each of their rules is broken once, and kept once.</summary>
public sealed class OtherChecksTests
{
    private readonly Recorded recorded = new();

    [Fact]
    public void An_outbox_without_gaps_all_delivered_in_order_is_right()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Happened("o", 2, mark: 2);
        Assert.Empty(Outbox(recorded.Deliveries));
    }

    [Fact]
    public void A_gap_in_the_outbox_is_found()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Happened("q", 1, mark: 2);
        recorded.Outbox.RemoveAt(recorded.Outbox.Count - 2);
        Assert.Contains(Outbox(recorded.Deliveries), violation => violation.Rule == "the outbox has no gap");
    }

    [Fact]
    public void A_missing_version_is_found()
    {
        recorded.Happened("o", 2, mark: 2);
        Assert.Contains(Outbox(recorded.Deliveries), violation => violation.Rule == "versions are 1..n in the outbox's order");
    }

    [Fact]
    public void An_event_that_was_never_delivered_is_found()
    {
        recorded.Happened("o", 1, mark: 1);
        Assert.Contains(Outbox([.. recorded.Deliveries.SkipLast(1)]), violation => violation.Rule == "every event is delivered");
    }

    [Fact]
    public void A_later_version_published_first_is_found()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Happened("o", 2, mark: 2);
        var swapped = recorded.Deliveries.Select(delivery => delivery with { Sequence = -delivery.Sequence }).ToList();
        Assert.Contains(Outbox(swapped), violation => violation.Rule == "first deliveries follow the version order");
    }

    [Fact]
    public void Two_relays_at_once_are_found_by_what_they_publish_twice()
    {
        for (var order = 0; order < 20; order++) recorded.Happened($"o{order}", 1, mark: order);
        var twice = recorded.Deliveries.Concat(recorded.Deliveries.Select(delivery => delivery with { Sequence = delivery.Sequence + 100 })).ToList();
        Assert.Contains(Outbox(twice), violation => violation.Rule == "one relay leads a shard at a time");
    }

    [Fact]
    public void A_read_model_that_is_the_fold_of_the_events_is_right_and_any_difference_is_found()
    {
        var state = recorded.Happened("o", 1, mark: 1);
        recorded.Register(2, "Alice Smith");
        var read = Folded(Recorded.Document(state, "Alice Smith", 2));
        Assert.Empty(ReadModelFold.Check(recorded.Write, read));
        Assert.NotEmpty(ReadModelFold.Check(recorded.Write, Folded(Recorded.Document(state))));
        Assert.NotEmpty(ReadModelFold.Check(recorded.Write, read with { Orders = [] }));
        Assert.NotEmpty(ReadModelFold.Check(recorded.Write, read with { Months = [] }));
        Assert.NotEmpty(ReadModelFold.Check(recorded.Write, read with { Days = [.. read.Days.Select(day => day with { UnitsSold = 3 })] }));
        Assert.NotEmpty(ReadModelFold.Check(recorded.Write, read with { Sales = [.. read.Sales.Select(sales => sales with { Revenue = 3m })] }));
        Assert.NotEmpty(ReadModelFold.Check(recorded.Write, read with { Dirty = 1 }));
    }

    [Fact]
    public void Dead_letters_are_exactly_the_poison()
    {
        var (poison, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        Assert.Empty(Letters.Check([(poison, "malformed")], [], [poison]));
        Assert.Single(Letters.Check([(poison, "malformed"), (other, "malformed")], [], [poison]));
        Assert.Single(Letters.Check([], [], [poison]));
        Assert.Single(Letters.Check([], [other], []));
    }

    [Fact]
    public void Thirty_seconds_are_enough_to_recover()
    {
        Assert.Empty(Recovery.Check(new(29.9, ""), []));
        Assert.Single(Recovery.Check(new(30.1, ""), []));
        Assert.Single(Recovery.Check(new(null, "queries-1 is not up"), []));
    }

    [Fact]
    public void A_process_that_ends_by_itself_is_found() =>
        Assert.Contains(Recovery.Check(new(0, ""), ["commands-1 ended by itself: exit code 134"]), violation => violation.Rule == "no process ends by itself");

    private List<Violation> Outbox(IReadOnlyList<Delivery> deliveries) => [.. OutboxLog.Check(recorded.Write, deliveries, (0, 1_000), brokerKeptOrder: true)];

    private static ReadSide Folded(OrderDocument order) => new([order],
        [new CustomerDocument("a", 2, "Alice Smith", 2, default)], [new ProductDocument("p", 1, "Widget", 1, 2m, false, default)],
        [new CustomerMonth("a/2024-03", "a", 1, 4m, null, Guid.Empty)], [new ProductDay("p/2024-03-01", "p", 2, 4m, Guid.Empty)], [new ProductSales("p", 2, 4m, Guid.Empty)], 0);
}
