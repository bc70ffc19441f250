using Shop.Chaos.Checks;
using Shop.Chaos.History;
using Shop.Chaos.Schedule;
using Shop.Contracts.Views;

namespace Shop.Tests.Chaos;

/// <summary>A run that had nothing to look at must not pass for one in which nothing was wrong.</summary>
public sealed class CoverageTests
{
    private static readonly (double, double) calm = (0, 100);
    private readonly List<Delivery> deliveries = [.. Enumerable.Range(1, OutboxLog.FewestInCalm).Select(number => new Delivery(Guid.CreateVersion7(), $"order/{number}", 1, number, number, number))];
    private readonly RecordedHistory full;

    public CoverageTests()
    {
        var recorded = new Recorded();
        recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Done, version: 1);
        recorded.Order("o", 1, Answer.Done, version: 1, replayed: true);
        recorded.Order("o", 2, Answer.Done, version: 2, type: "PayOrder", ifMatch: 1);
        recorded.Order("o", 3, Answer.Refused, type: "ShipOrder");
        var read = new Read(1, 1, ReadKind.Order, "order/o", [new Seen("order/o", 1)], "queries-1", 0, 1, 200);
        full = recorded.History with
        {
            Reads = [read, read with { Kind = ReadKind.History }, read with { Kind = ReadKind.Summary }, read with { Kind = ReadKind.BestSellers, Seen = [], BestSellers = new BestSellers([new BestSeller("p", "Widget", 2, 4m)]) }],
            Faults = [Fault(FaultKind.Kill, null)],
        };
    }

    [Fact]
    public void A_run_that_had_something_of_everything_is_worth_believing() => Assert.Empty(Found(full));

    [Fact]
    public void Whatever_is_missing_is_found()
    {
        Assert.Contains("no command was acknowledged", Found(full with { Commands = [.. full.Commands.Where(attempt => attempt.Answer != Answer.Done)] }));
        Assert.Contains("no command was refused", Found(full with { Commands = [.. full.Commands.Where(attempt => attempt.Answer != Answer.Refused)] }));
        Assert.Contains("no command was sent again and answered as before", Found(full with { Commands = [.. full.Commands.Where(attempt => !attempt.Replayed)] }));
        Assert.Contains("nothing was done with If-Match", Found(full with { Commands = [.. full.Commands.Where(attempt => attempt.IfMatch is null)] }));
        foreach (var kind in full.Reads.Select(read => read.Kind))
            Assert.Single(Found(full with { Reads = [.. full.Reads.Where(read => read.Kind != kind)] }));
        Assert.Equal(3, Found(full with { Reads = [.. full.Reads.Select(read => read with { Seen = [] })] }).Count);
        Assert.Equal(4, Found(full with { Reads = [.. full.Reads.Select(read => read with { Status = 503, BestSellers = null })] }).Count);
        Assert.Contains("there was no fault", Found(full with { Faults = [] }));
        Assert.Single(Coverage.Check(full, [.. deliveries.Skip(1)], calm));
    }

    [Fact]
    public void A_kind_of_fault_that_never_does_anything_is_found_and_one_that_sometimes_does_nothing_is_named()
    {
        var nothing = Fault(FaultKind.Crash, InjectedFault.Nothing("the point was not reached"));
        Assert.Single(Found(full with { Faults = [nothing, nothing, nothing] }));
        var sometimes = full with { Faults = [nothing, nothing, nothing, Fault(FaultKind.Crash, null)] };
        Assert.Empty(Found(sometimes));
        Assert.Equal("3 of 4 faults of the kind Crash had no effect: the point was not reached (x)", Assert.Single(Coverage.Doubts(sometimes, deliveries)));
        var skipped = Fault(FaultKind.Disk, InjectedFault.Skipped("nothing can be mounted"));
        Assert.Empty(Found(full with { Faults = [skipped, skipped, skipped, Fault(FaultKind.Kill, null)] }));
    }

    [Fact]
    public void What_the_broker_does_by_itself_is_believed_only_when_the_harness_has_seen_it()
    {
        foreach (var kind in new[] { FaultKind.Duplicate, FaultKind.Withhold, FaultKind.Delay, FaultKind.Reorder })
            Assert.NotEmpty(Coverage.Doubts(full with { Faults = [Fault(kind, null)] }, deliveries));
        Assert.Empty(Coverage.Doubts(full with { Faults = [Fault(FaultKind.Duplicate, null)] }, [.. deliveries, deliveries[3] with { Sequence = 1_000 }]));
        Assert.Empty(Coverage.Doubts(full with { Faults = [Fault(FaultKind.Delay, null)] }, [.. deliveries, deliveries[3] with { Arrived = 5 }]));
        Assert.Empty(Coverage.Doubts(full with { Faults = [Fault(FaultKind.Reorder, null)] }, [deliveries[1], deliveries[0]]));
    }

    private static InjectedFault Fault(FaultKind kind, string? note) => new(1, 1, kind.ToString(), "x", "", 0, 50, note);

    private List<string> Found(RecordedHistory history) => [.. Coverage.Check(history, deliveries, calm).Select(violation => violation.What)];
}
