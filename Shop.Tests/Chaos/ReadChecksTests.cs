using Shop.Chaos.Checks;
using Shop.Chaos.History;

namespace Shop.Tests.Chaos;

/// <summary>Check (c): each of its rules is broken once, and kept once.</summary>
public sealed class ReadChecksTests
{
    private readonly Recorded recorded = new();

    private List<Violation> Found => [.. ReadsExplained.Check(recorded.History, recorded.Write)];

    [Fact]
    public void Reads_of_what_was_in_the_order_in_which_it_was_are_explained()
    {
        var placed = recorded.Happened("o", 1, mark: 1);
        var paid = recorded.Happened("o", 2, mark: 2);
        recorded.Saw(0, 1, null, "order/o");
        recorded.Saw(1.5, 2, Recorded.Document(placed), "order/o");
        recorded.Saw(2.5, 3, Recorded.Document(paid), "order/o", seen: new Seen("order/o", 2));
        // At the same time as the one before: either answer is right.
        recorded.Saw(2.6, 3, Recorded.Document(placed), "order/o");
        Assert.Empty(Found);
    }

    [Theory, InlineData(1, "within a session a version never goes back"), InlineData(2, "a document's version never goes back")]
    public void A_version_never_goes_back_for_anybody(int client, string rule)
    {
        var placed = recorded.Happened("o", 1, mark: 1);
        var paid = recorded.Happened("o", 2, mark: 2);
        recorded.Saw(0, 1, Recorded.Document(paid), "order/o");
        recorded.Saw(1.5, 2, Recorded.Document(placed), "order/o", client);
        Assert.Equal(rule, Assert.Single(Found).Rule);
    }

    [Fact]
    public void An_order_that_was_there_does_not_go_away()
    {
        recorded.Saw(0, 1, Recorded.Document(recorded.Happened("o", 1, mark: 1)), "order/o");
        recorded.Saw(1.5, 2, null, "order/o");
        Assert.Single(Found);
    }

    [Fact]
    public void A_read_that_says_what_it_has_seen_is_never_without_it()
    {
        var placed = recorded.Happened("o", 1, mark: 1);
        recorded.Happened("o", 2, mark: 2);
        recorded.Saw(0, 1, Recorded.Document(placed), "order/o", seen: new Seen("order/o", 2));
        Assert.Equal("no read that says what it has seen is without it", Assert.Single(Found).Rule);
    }

    [Fact]
    public void A_name_that_was_seen_is_in_every_document_and_summary()
    {
        var placed = recorded.Happened("o", 1, mark: 1);
        recorded.Register(2, "Alice Smith");
        recorded.Saw(0, 1, Recorded.Document(placed, "Alice Smith", 2), "order/o", seen: new Seen("customer/a", 2));
        recorded.Summed(1, 4m, "Alice Smith", 2, new Seen("customer/a", 2));
        Assert.Empty(Found);
        recorded.Saw(2, 3, Recorded.Document(placed), "order/o", seen: new Seen("customer/a", 2));
        recorded.Summed(1, 4m, "Alice", 1, new Seen("customer/a", 2));
        Assert.Equal(2, Found.Count);
    }

    [Fact]
    public void An_order_that_was_seen_is_in_its_customer_s_list_and_sum()
    {
        var placed = recorded.Happened("o", 1, mark: 1);
        recorded.Listed([Recorded.Document(placed)], isComplete: true, new Seen("order/o", 1));
        recorded.Summed(1, 4m, "Alice", 1, new Seen("order/o", 1));
        Assert.Empty(Found);
        recorded.Listed([], isComplete: true, new Seen("order/o", 1));
        recorded.Summed(0, 0m, "Alice", 1, new Seen("order/o", 1));
        Assert.Equal(2, Found.Count);
    }

    [Fact]
    public void A_state_that_never_was_is_found()
    {
        var placed = recorded.Happened("o", 1, mark: 1);
        recorded.Saw(0, 1, Recorded.Document(placed) with { Status = "Paid" }, "order/o");
        recorded.Saw(0, 1, Recorded.Document(placed) with { Version = 7 }, "order/o", client: 2);
        recorded.Saw(0, 1, Recorded.Document(placed, "Mallory"), "order/o", client: 3);
        recorded.Summed(9, 900m, "Alice", 1);
        Assert.Equal(4, Found.Count(violation => violation.Rule.StartsWith("no ", StringComparison.Ordinal)));
    }
}
