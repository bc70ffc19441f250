namespace Shop.ServiceDefaults.Messaging;

public enum BusConnection
{
    Connecting,
    Connected,

    /// <summary>The link is down; a reconnect is waiting or under way.</summary>
    Disconnected,

    /// <summary>The broker asked to slow down (<c>com.microsoft:server-busy</c>); sending waits.</summary>
    Throttled,

    /// <summary>The caller paused the receiver.</summary>
    Paused,

    /// <summary>Disposed.</summary>
    Closed,
}

/// <summary>What health checks say about one link to the broker.</summary>
/// <param name="Entity">The entity's address, such as <c>shop-events/Subscriptions/projector</c>.</param>
/// <param name="Connection">How the link is now.</param>
/// <param name="Since">Since when <paramref name="Connection"/> has been so.</param>
/// <param name="LastError">What ended the last connection or attempt; kept after reconnecting, null when nothing ever failed.</param>
public sealed record BusState(string Entity, BusConnection Connection, DateTimeOffset Since, string? LastError)
{
    /// <summary>Whether messages can flow now, or do not because the caller wants it so.</summary>
    public bool IsHealthy => Connection is BusConnection.Connected or BusConnection.Paused;
}
