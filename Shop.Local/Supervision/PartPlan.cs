namespace Shop.Local.Supervision;

/// <summary>What a probe found.</summary>
/// <param name="State">Starting while it does not answer yet; else Healthy, Degraded or Unhealthy.</param>
/// <param name="Note">Its own words.</param>
internal readonly record struct ProbeResult(PartState State, string? Note = null);

/// <summary>How one part is started, asked and stopped.</summary>
/// <param name="Part">Which.</param>
/// <param name="Address">Where it will be.</param>
/// <param name="Command">Its process.</param>
/// <param name="ProbeAsync">Asks it how it is.</param>
/// <param name="StopGrace">How long it may take to stop.</param>
/// <param name="ProbeInterval">How often it is asked once it is up; null: its process is all there is to see.</param>
/// <param name="AfterStartAsync">Work to do once it answers for the first time.</param>
internal sealed record PartPlan(
    Part Part,
    string Address,
    ChildCommand Command,
    Func<ChildProcess, CancellationToken, Task<ProbeResult>> ProbeAsync,
    TimeSpan StopGrace,
    TimeSpan? ProbeInterval = null,
    Func<CancellationToken, Task>? AfterStartAsync = null);
