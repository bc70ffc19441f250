using Shop.Projector.Observation;

namespace Shop.Tests.Projector;

public sealed class LagWindowTests
{
    [Fact]
    public void Quantiles_are_of_the_last_minute_and_at_most_a_fifth_too_high()
    {
        var clock = new SettableClock();
        var window = new LagWindow(clock);
        Assert.Equal((0, null, null), window.Read());
        for (var i = 0; i < 98; i++) window.Record(TimeSpan.FromMilliseconds(10));
        window.Record(TimeSpan.FromSeconds(2));
        window.Record(TimeSpan.FromSeconds(2));
        var (events, median, p99) = window.Read();
        Assert.Equal(100, events);
        Assert.InRange(median!.Value, 0.010, 0.012);
        Assert.InRange(p99!.Value, 2, 2.4);

        clock.Advance(TimeSpan.FromSeconds(30));
        window.Record(TimeSpan.Zero);
        Assert.Equal(101, window.Read().Events);
        Assert.Equal(1, window.Read(last: 10).Events);
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(1, window.Read().Events);
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(0, window.Read().Events);
    }

    [Fact]
    public void Lag_counts_what_is_in_hand_so_a_frozen_pipeline_does_not_look_fast()
    {
        var clock = new SettableClock();
        var status = new ProjectionStatus(clock);
        Assert.Equal(0, status.Lag().Now);
        var batch = status.Received(clock.GetUtcNow());
        clock.Advance(TimeSpan.FromSeconds(90));
        Assert.Equal(90, status.Lag().Now);
        status.Projected(TimeSpan.FromSeconds(90));
        status.BatchDone(batch);
        Assert.Equal(1, status.Lag().Events);
        Assert.Null(status.PendingAge);
    }

    private sealed class SettableClock : TimeProvider
    {
        private DateTimeOffset now = new(2023, 10, 27, 10, 0, 0, TimeSpan.Zero);

        public void Advance(TimeSpan by) => now += by;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
