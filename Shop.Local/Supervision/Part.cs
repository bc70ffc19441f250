namespace Shop.Local.Supervision;

/// <summary>The processes of a shop.</summary>
public enum Part
{
    Postgres,
    Broker,
    Store,
    Commands,
    Queries,
    Projector,
}

public enum PartState
{
    /// <summary>Not started yet, or stopped on request.</summary>
    Stopped,
    Starting,
    Healthy,

    /// <summary>It answers, and says that something it depends on is not as it should be.</summary>
    Degraded,

    /// <summary>It runs and does not answer, or says that it cannot.</summary>
    Unhealthy,

    /// <summary>It ended by itself and is started again after a pause.</summary>
    Restarting,

    /// <summary>A real one, given by its connection string; not ours to start or stop.</summary>
    External,
}

/// <summary>A part at one moment.</summary>
/// <param name="Part">Which.</param>
/// <param name="State">How it is.</param>
/// <param name="Address">Where it is, in the form its clients take: a URL or a connection string.</param>
/// <param name="ProcessId">Of the running process.</param>
/// <param name="ProcessStartedAt">Tells the process from a later one with the same id.</param>
/// <param name="Restarts">How often it ended by itself and was started again.</param>
/// <param name="Note">The last thing worth knowing.</param>
public sealed record PartStatus(
    Part Part,
    PartState State,
    string Address,
    int? ProcessId = null,
    DateTimeOffset? ProcessStartedAt = null,
    int Restarts = 0,
    string? Note = null);
