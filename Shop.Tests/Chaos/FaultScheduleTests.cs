using CsCheck;
using Shop.Chaos.Schedule;

namespace Shop.Tests.Chaos;

public sealed class FaultScheduleTests
{
    private static readonly HashSet<FaultKind> all = [.. Enum.GetValues<FaultKind>()];

    private static readonly Gen<(int Seed, int Minutes)> run = Gen.Select(Gen.Int[0, int.MaxValue - 1], Gen.Int[1, 8]);

    [Fact]
    public void The_same_seed_gives_the_same_schedule() => run.Sample((seed, minutes) =>
        Assert.Equal(FaultSchedule.Create(seed, TimeSpan.FromMinutes(minutes), all), FaultSchedule.Create(seed, TimeSpan.FromMinutes(minutes), all)));

    [Fact]
    public void Another_seed_gives_another_schedule() => run.Sample((seed, minutes) =>
        Assert.NotEqual(FaultSchedule.Create(seed, TimeSpan.FromMinutes(minutes), all), FaultSchedule.Create(seed + 1, TimeSpan.FromMinutes(minutes), all)));

    [Fact]
    public void A_schedule_keeps_within_its_time_and_never_hurts_a_part_twice_at_once() => run.Sample((seed, minutes) =>
    {
        var schedule = FaultSchedule.Create(seed, TimeSpan.FromMinutes(minutes), all);
        Assert.All(schedule, fault => Assert.InRange(fault.At, FaultSchedule.Prelude, TimeSpan.FromMinutes(minutes)));
        Assert.All(schedule.Where(fault => fault.Target != "all"), fault => Assert.True(fault.End <= TimeSpan.FromMinutes(minutes)));
        foreach (var part in schedule.Where(fault => fault.Kind is FaultKind.Kill or FaultKind.Crash or FaultKind.Stop or FaultKind.Restart).GroupBy(fault => fault.Target))
            Assert.All(part.Zip(part.Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.At));
    });

    [Fact]
    public void A_kind_that_was_not_asked_for_is_not_in_the_schedule() => Gen.Select(Gen.Int[0, 10_000], Gen.Enum<FaultKind>()).Sample((seed, kind) =>
        Assert.All(FaultSchedule.Create(seed, TimeSpan.FromMinutes(2), new HashSet<FaultKind> { kind }), fault => Assert.Equal(kind, fault.Kind)));

    [Fact]
    public void Three_minutes_are_enough_for_every_kind_and_every_crash_point_to_be_tried() => Gen.Int[0, int.MaxValue - 1].Sample(seed =>
    {
        var schedule = FaultSchedule.Create(seed, TimeSpan.FromMinutes(3), all);
        Assert.Superset(CrashPoints.UnderLoad.ToHashSet(), schedule.Select(fault => fault.Detail).ToHashSet());
        // A kind that is tried once in a deck may find its turn taken: what it needs is in use.
        Assert.InRange(schedule.Select(fault => fault.Kind).Distinct().Count(), all.Count - 2, all.Count);
    });

    [Fact]
    public void No_card_of_a_deck_is_drawn_again_before_every_other_one_was() => Gen.Select(Gen.Int[0, 10_000], Gen.Int[1, 20]).Sample((seed, cards) =>
    {
        var deck = new Deck<int>(new Random(seed), [.. Enumerable.Range(0, cards)]);
        for (var round = 0; round < 3; round++)
            Assert.Equal(Enumerable.Range(0, cards), Enumerable.Range(0, cards).Select(_ => deck.Draw()).Order());
    });

    [Fact]
    public void A_card_that_does_not_fit_keeps_its_place_until_it_does()
    {
        var deck = new Deck<int>(new Random(1), [1, 2, 3]);
        for (var draw = 0; draw < 3; draw++) Assert.True(deck.TryDraw(card => card != 2, out _));
        Assert.False(deck.TryDraw(card => card > 3, out _));
        Assert.True(deck.TryDraw(card => card == 2, out _));
    }

    [Fact]
    public void Long_enough_every_part_every_connection_every_kind_and_every_crash_point_has_its_turn()
    {
        var schedule = FaultSchedule.Create(1, TimeSpan.FromHours(12), all);
        Assert.Equal(all, schedule.Select(fault => fault.Kind).ToHashSet());
        Assert.Superset(Topology.Parts.ToHashSet(), schedule.Where(fault => fault.Kind == FaultKind.Kill).Select(fault => fault.Target).ToHashSet());
        Assert.Equal([.. Topology.Pairs.Select(pair => Topology.Pair(pair.From, pair.To))], schedule.Where(fault => fault.Kind == FaultKind.Net).Select(fault => fault.Target).ToHashSet());
        Assert.Superset(Shop.ServiceDefaults.Reliability.CrashPoint.All.ToHashSet(), schedule.Select(fault => fault.Detail).ToHashSet());
    }
}
