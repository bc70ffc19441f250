using Microsoft.Extensions.Logging;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>Entities, counts and reasons; never keys, tokens or the content of an event.</summary>
internal static partial class MessagingLog
{
    [LoggerMessage(1, LogLevel.Information, "Connected to {Entity} at {Broker}.")]
    public static partial void Connected(ILogger logger, string entity, string broker);

    [LoggerMessage(2, LogLevel.Warning, "The connection to {Entity} ended: {Reason}")]
    public static partial void Disconnected(ILogger logger, string entity, string reason);

    [LoggerMessage(3, LogLevel.Warning, "No connection to {Entity}, next attempt in {DelayMilliseconds} ms: {Reason}")]
    public static partial void ConnectFailed(ILogger logger, string entity, double delayMilliseconds, string reason);

    [LoggerMessage(4, LogLevel.Warning, "{Entity} asks to slow down: {Reason}")]
    public static partial void Throttled(ILogger logger, string entity, string reason);

    [LoggerMessage(5, LogLevel.Debug, "The token for {Entity} was renewed, next time at {RenewAt}.")]
    public static partial void TokenRenewed(ILogger logger, string entity, DateTimeOffset renewAt);

    [LoggerMessage(6, LogLevel.Warning, "The token for {Entity} was not renewed: {Reason}")]
    public static partial void TokenNotRenewed(ILogger logger, string entity, string reason);

    [LoggerMessage(7, LogLevel.Warning, "Locks on {Count} messages of {Entity} were not renewed: {Reason}")]
    public static partial void LocksNotRenewed(ILogger logger, int count, string entity, string reason);

    [LoggerMessage(8, LogLevel.Debug, "{Count} settlements for {Entity} went with their connection; the messages will come again.")]
    public static partial void SettlementsLost(ILogger logger, int count, string entity);

    [LoggerMessage(9, LogLevel.Error, "{Entity} refused event {EventId} for good: {Reason}")]
    public static partial void Refused(ILogger logger, string entity, Guid eventId, string reason);
}
