using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace Shop.Local.ServiceBus;

/// <summary>Service Bus's own error conditions, which its clients turn into their error codes.</summary>
internal static class BrokerErrors
{
    public const string MessageLockLostCondition = "com.microsoft:message-lock-lost";
    public const string SessionLockLostCondition = "com.microsoft:session-lock-lost";
    public const string SessionCannotBeLockedCondition = "com.microsoft:session-cannot-be-locked";
    public const string MessageNotFoundCondition = "com.microsoft:message-not-found";
    public const string TimeoutCondition = "com.microsoft:timeout";
    public const string ArgumentErrorCondition = "com.microsoft:argument-error";

    public static Error EntityNotFound(string address) =>
        Make(ErrorCode.NotFound, $"The messaging entity '{address}' could not be found.");
    public static Error NotAllowed(string description) => Make(ErrorCode.NotAllowed, description);
    public static Error NotImplemented(string description) => Make(ErrorCode.NotImplemented, description);
    public static Error DecodeError(string description) => Make(ErrorCode.DecodeError, description);
    public static Error InternalError(string description) => Make(ErrorCode.InternalError, description);
    public static Error Unauthorized(string description) => Make(ErrorCode.UnauthorizedAccess, description);

    public static Error MessageSizeExceeded(long size, int limit) => Make(ErrorCode.MessageSizeExceeded,
        $"The received message (size: {size}) exceeds the limit ({limit}) currently allowed on the link.");

    public static Error MessageLockLost() => Make(MessageLockLostCondition,
        "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.");

    public static Error SessionLockLost(string entity) => Make(SessionLockLostCondition,
        $"The session lock on '{entity}' has expired. Accept the session again.");

    public static Error SessionCannotBeLocked(string sessionId) => Make(SessionCannotBeLockedCondition,
        $"The requested session '{sessionId}' cannot be accepted. It may be locked by another receiver.");

    public static Error NoSessionAvailable(string entity) => Make(TimeoutCondition,
        $"No session of '{entity}' became available within the time given.");

    private static Error Make(string condition, string description) => new(new Symbol(condition)) { Description = description };
}
