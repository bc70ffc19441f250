using Shop.Contracts.Events;

namespace Shop.Projector.Rebuild;

/// <summary>What is copied, in this order: names before the orders that carry them.</summary>
internal static class RebuildSources
{
    private static readonly (string Kind, string EventType)[] all =
    [
        ("customers", EventTypes.CustomerPrefix + "snapshot" + EventTypes.Version), ("products", EventTypes.ProductPrefix + "snapshot" + EventTypes.Version), ("orders", EventTypes.OrderPrefix + "snapshot" + EventTypes.Version),
    ];

    public static string First => all[0].Kind;

    /// <summary>Null after the last one.</summary>
    public static string? After(string kind)
    {
        var next = Array.FindIndex(all, source => source.Kind == kind) + 1;
        return next < all.Length ? all[next].Kind : null;
    }

    /// <summary>The type under which a state goes through the projection; which event it was does not matter there.</summary>
    public static string EventTypeOf(string kind) => all.First(source => source.Kind == kind).EventType;
}
