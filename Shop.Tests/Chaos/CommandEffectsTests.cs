using Shop.Chaos.Checks;
using Shop.Chaos.History;

namespace Shop.Tests.Chaos;

/// <summary>Check (a): each of its rules is broken once, and kept once.</summary>
public sealed class CommandEffectsTests
{
    private readonly Recorded recorded = new();

    private List<Violation> Found => [.. CommandEffects.Check(recorded.History, recorded.Write)];

    [Fact]
    public void A_command_acknowledged_and_done_once_is_right_however_often_it_was_sent()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Unknown);
        recorded.Order("o", 1, Answer.Done, version: 1);
        recorded.Order("o", 1, Answer.Done, version: 1);
        Assert.Empty(Found);
    }

    [Fact]
    public void An_acknowledged_command_without_an_effect_is_lost()
    {
        recorded.Order("o", 1, Answer.Done, version: 1);
        Assert.Contains(Found, violation => violation.Rule == "an acknowledged command is never lost" && violation.Subject == "order/o");
    }

    [Fact]
    public void Two_effects_of_one_command_are_one_too_many()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Done, version: 1);
        recorded.Happened("o", 2, mark: 2);
        recorded.Happened("o", 3, mark: 2);
        recorded.Order("o", 2, Answer.Done, version: 2, type: "PayOrder");
        Assert.Contains(Found, violation => violation.Rule == "a command has exactly one effect");
    }

    [Fact]
    public void What_was_to_be_done_to_one_version_must_not_be_done_to_another()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Done, version: 1);
        recorded.Happened("o", 2, mark: 2);
        recorded.Order("o", 2, Answer.Done, version: 2, type: "PayOrder", ifMatch: 1);
        Assert.Empty(Found);
        recorded.Happened("o", 3, mark: 3);
        recorded.Order("o", 3, Answer.Done, version: 3, type: "PayOrder", commandId: "late", ifMatch: 1);
        Assert.Contains(Found, violation => violation.Rule == "what is done if a version matches is done to that version");
    }

    [Theory, InlineData("urn:shop:problem:unknown-order", 2, true), InlineData("urn:shop:problem:unknown-order", 0, false), InlineData("urn:shop:problem:wrong-status", 2, false),
     InlineData("urn:shop:problem:command-id-reused", 0, true)]
    public void A_refusal_that_cannot_be_right_is_found(string problem, double start, bool isFound)
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Done, version: 1, start: 0, end: 1);
        recorded.Order("o", 2, Answer.Refused, type: "PayOrder", start: start, end: 3, detail: problem);
        Assert.Equal(isFound, Found.Exists(violation => violation.Rule == "every refusal is explainable"));
    }

    [Fact]
    public void What_was_refused_at_every_attempt_must_not_be_there()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Refused);
        Assert.Contains(Found, violation => violation.Rule == "nothing refused is done");
    }

    [Theory, InlineData(true), InlineData(false)]
    public void An_unknown_outcome_may_be_there_once_or_not_at_all(bool isThere)
    {
        if (isThere) recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Unknown);
        recorded.Order("o", 1, Answer.Refused);
        Assert.Empty(Found);
    }

    [Fact]
    public void An_effect_that_nobody_asked_for_is_found()
    {
        recorded.Happened("o", 1, mark: 1);
        Assert.Contains(Found, violation => violation.Rule == "nothing happens that nobody asked for");
    }

    [Fact]
    public void An_answer_says_the_version_of_its_effect()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Done, version: 2);
        Assert.Contains(Found, violation => violation.Rule == "every answer says the version that the effect has");
    }

    [Fact]
    public void Who_asks_after_an_answer_comes_after_it()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Done, version: 1, start: 5, end: 6);
        recorded.Happened("o", 2, mark: 2);
        recorded.Order("o", 2, Answer.Done, version: 2, start: 1, end: 2, type: "PayOrder");
        Assert.Contains(Found, violation => violation.Rule == "commands on one thing happen in the order in which they were answered");
    }

    [Fact]
    public void A_command_is_in_the_log_exactly_when_it_is_done()
    {
        recorded.Happened("o", 1, mark: 1);
        recorded.Order("o", 1, Answer.Done, version: 1, commandId: "c1");
        Assert.Contains(Found, violation => violation.Rule == "a command is logged exactly when it is done");
        recorded.Logged("c1", "order/o", 1);
        Assert.Empty(Found);
    }
}
