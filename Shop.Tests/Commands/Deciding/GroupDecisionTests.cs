using System.Text.Json;
using Shop.Commands.Deciding;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Tests.Commands.Deciding;

public sealed class GroupDecisionTests
{
    private static readonly DateTimeOffset Now = new(2024, 5, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RegisterCustomer Alice = new("CUST987", "Alice Smith");
    private static readonly AddProduct Widget = new("PROD001", "Widget", 10.50m);
    private static readonly AddProduct Gadget = new("PROD002", "Gadget", 25.00m);
    private static readonly PlaceOrder Order = new("ORD12345", "CUST987", [new("PROD001", 2, 10.50m), new("PROD002", 1, 25.00m)]);

    [Fact]
    public void An_order_carries_names_and_an_exact_total()
    {
        var group = Decide(Alice, Widget, Gadget, Order);
        Assert.All(group.Outcomes, outcome => Assert.True(Assert.IsType<Outcome.Done>(outcome).Created));
        var state = JsonSerializer.Deserialize(group.Events[^1].Data, EventJson.Default.OrderState)!;
        Assert.Equal(46.00m, state.TotalAmount);
        Assert.Equal("Alice Smith", state.CustomerName);
        Assert.Equal(["Widget", "Gadget"], state.Items.Select(line => line.ProductName));
        Assert.Equal(OrderStatus.Pending, state.Status);
        Assert.Equal(Now, state.OrderDate);
        Assert.Contains("46.00", System.Text.Encoding.UTF8.GetString(group.Events[^1].Data), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_commands_on_one_order_in_one_group_see_each_other()
    {
        var group = Decide(Alice, Widget, Gadget, Order, new PayOrder("ORD12345"), new ShipOrder("ORD12345"));
        Assert.Equal([1, 2, 3], group.Events.Skip(3).Select(decided => decided.Version));
        Assert.Equal(OrderStatus.Shipped, JsonSerializer.Deserialize(group.Events[^1].Data, EventJson.Default.OrderState)!.Status);
    }

    [Fact]
    public void A_bad_command_does_not_touch_its_neighbours()
    {
        var group = Decide(Alice, Widget, Gadget, new PayOrder("NONE"), Order);
        Assert.Equal("unknown-order", Refusal(group.Outcomes[3]).Rule);
        Assert.IsType<Outcome.Done>(group.Outcomes[4]);
        Assert.Equal(4, group.Events.Count);
    }

    [Fact]
    public void A_creating_command_again_is_answered_as_the_first_time_whatever_happened_since()
    {
        var group = Decide(Alice, Widget, Gadget, Order, new PayOrder("ORD12345"), Order);
        var replay = Assert.IsType<Outcome.Done>(group.Outcomes[^1]);
        Assert.Equal((1, true, true), (replay.Version, replay.Created, replay.Replayed));
        Assert.Equal(5, group.Events.Count);
    }

    [Fact]
    public void The_same_id_with_other_content_is_a_conflict()
    {
        var group = Decide(Alice, Alice with { Name = "Alice Jones" });
        Assert.Equal((409, "id-taken"), (Refusal(group.Outcomes[1]).Status, Refusal(group.Outcomes[1]).Rule));
    }

    [Fact]
    public void A_command_id_makes_a_retry_recognisable_and_other_content_a_conflict()
    {
        var pay = new PayOrder("ORD12345") { CommandId = "pay-1" };
        var group = Decide(Alice, Widget, Gadget, Order, pay, pay, new ShipOrder("ORD12345") { CommandId = "pay-1" });
        Assert.True(Assert.IsType<Outcome.Done>(group.Outcomes[5]).Replayed);
        Assert.Equal(2, Assert.IsType<Outcome.Done>(group.Outcomes[5]).Version);
        Assert.Equal((409, "command-id-reused"), (Refusal(group.Outcomes[6]).Status, Refusal(group.Outcomes[6]).Rule));
        Assert.Equal(5, group.Events.Count);
    }

    [Fact]
    public void A_refused_command_may_try_again_under_the_same_command_id()
    {
        var ship = new ShipOrder("ORD12345") { CommandId = "ship-1" };
        var group = Decide(Alice, Widget, Gadget, Order, ship, new PayOrder("ORD12345"), ship);
        Assert.Equal("wrong-status", Refusal(group.Outcomes[4]).Rule);
        Assert.Equal(3, Assert.IsType<Outcome.Done>(group.Outcomes[6]).Version);
    }

    [Fact]
    public void If_match_is_judged_after_replays_and_before_rules()
    {
        var pay = new PayOrder("ORD12345") { CommandId = "pay-1" };
        Submission[] submissions =
        [
            .. Submissions(Alice, Widget, Gadget, Order),
            new(pay, ifMatch: 1, trusted: false, traceParent: null),
            new(pay, ifMatch: 1, trusted: false, traceParent: null),
            new(new ShipOrder("ORD12345"), ifMatch: 1, trusted: false, traceParent: null),
            new(new PayOrder("NONE"), ifMatch: 1, trusted: false, traceParent: null),
        ];
        var group = GroupDecision.Decide(submissions, new GroupState(), Now);
        Assert.False(Assert.IsType<Outcome.Done>(group.Outcomes[4]).Replayed);
        Assert.True(Assert.IsType<Outcome.Done>(group.Outcomes[5]).Replayed);
        Assert.Equal(2, Refusal(group.Outcomes[6]).Facts!["currentVersion"]);
        Assert.Equal(412, Refusal(group.Outcomes[7]).Status);
    }

    [Theory]
    [InlineData("CUST0", "PROD001", 10.50, "unknown-customer")]
    [InlineData("CUST987", "PROD9", 10.50, "unknown-product")]
    [InlineData("CUST987", "PROD001", 10.49, "price-changed")]
    public void A_public_order_that_breaks_a_rule_is_refused(string customer, string product, double price, string rule)
    {
        var group = Decide(Alice, Widget, new PlaceOrder("O", customer, [new(product, 1, (decimal)price)]));
        Assert.Equal((422, rule), (Refusal(group.Outcomes[^1]).Status, Refusal(group.Outcomes[^1]).Rule));
    }

    [Fact]
    public void A_refused_price_says_what_would_be_right()
    {
        var group = Decide(Alice, Widget, new PlaceOrder("O", "CUST987", [new("PROD001", 1, 9.99m)]));
        Assert.Equal(10.50m, Refusal(group.Outcomes[^1]).Facts!["currentPrice"]);
    }

    [Fact]
    public void An_import_brings_its_own_prices()
    {
        var submission = new Submission(new PlaceOrder("O", "CUST987", [new("PROD001", 3, 8.40m)]), ifMatch: null, trusted: true, traceParent: null);
        var group = GroupDecision.Decide([.. Submissions(Alice, Widget), submission], new GroupState(), Now);
        Assert.IsType<Outcome.Done>(group.Outcomes[^1]);
        Assert.Equal(25.20m, JsonSerializer.Deserialize(group.Events[^1].Data, EventJson.Default.OrderState)!.TotalAmount);
    }

    [Theory]
    [InlineData(new[] { "Ship" }, "wrong-status")]
    [InlineData(new[] { "Pay", "Pay" }, "wrong-status")]
    [InlineData(new[] { "Pay", "Ship", "Ship" }, "wrong-status")]
    [InlineData(new[] { "Pay", "Ship", "Pay" }, "wrong-status")]
    public void An_order_goes_from_pending_over_paid_to_shipped(string[] steps, string rule)
    {
        Command[] commands = [Alice, Widget, Gadget, Order, .. steps.Select<string, Command>(step => step == "Pay" ? new PayOrder("ORD12345") : new ShipOrder("ORD12345"))];
        var group = Decide(commands);
        Assert.Equal(rule, Refusal(group.Outcomes[^1]).Rule);
        Assert.All(group.Outcomes.SkipLast(1), outcome => Assert.IsType<Outcome.Done>(outcome));
    }

    [Fact]
    public void An_event_that_no_message_could_carry_is_refused()
    {
        var products = Enumerable.Range(0, 1_000).Select(index => new AddProduct($"P{index}", new string('x', 199), 1m)).ToArray<Command>();
        var order = new PlaceOrder("O", "CUST987", [.. Enumerable.Range(0, 1_000).Select(index => new PlaceOrderLine($"P{index}", 1, 1m))]);
        var group = Decide([Alice, .. products, order]);
        Assert.Equal("event-too-large", Refusal(group.Outcomes[^1]).Rule);
    }

    [Fact]
    public void Prices_that_are_equal_make_commands_equal() =>
        Assert.Equal(CommandHash.Of(Widget with { CommandId = "a" }), CommandHash.Of(Widget with { CommandId = "b" }));

    [Fact]
    public void A_shard_is_a_fixed_function_of_the_subject() =>
        Assert.Equal([2, 3, 2], new[] { "ORD12345", "A", "B" }.Select(id => new AggregateId(AggregateKind.Order, id).Shard(4)));

    private static GroupDecision Decide(params Command[] commands) => GroupDecision.Decide(Submissions(commands), new GroupState(), Now);

    private static Submission[] Submissions(params Command[] commands) =>
        [.. commands.Select(command => new Submission(command, ifMatch: null, trusted: false, traceParent: null))];

    private static Refusal Refusal(Outcome outcome) => Assert.IsType<Outcome.Refused>(outcome).Refusal;
}
