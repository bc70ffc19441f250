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
    public void Long_enough_every_part_every_connection_every_kind_and_every_crash_point_has_its_turn()
    {
        var schedule = FaultSchedule.Create(1, TimeSpan.FromHours(12), all);
        Assert.Equal(all, schedule.Select(fault => fault.Kind).ToHashSet());
        Assert.Superset(Topology.Parts.ToHashSet(), schedule.Where(fault => fault.Kind == FaultKind.Kill).Select(fault => fault.Target).ToHashSet());
        Assert.Equal([.. Topology.Pairs.Select(pair => Topology.Pair(pair.From, pair.To))], schedule.Where(fault => fault.Kind == FaultKind.Net).Select(fault => fault.Target).ToHashSet());
        Assert.Superset(Shop.ServiceDefaults.Reliability.CrashPoint.All.ToHashSet(), schedule.Select(fault => fault.Detail).ToHashSet());
    }
}
