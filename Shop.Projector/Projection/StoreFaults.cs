using System.Collections.Frozen;
using MongoDB.Driver;

namespace Shop.Projector.Projection;

/// <summary>Tells a store that is unwell from a document that is impossible.</summary>
public static class StoreFaults
{
    // From MongoDB's error_codes.yml: network, election, shutdown, timeout, contention, resources, permissions. None says anything
    // about the document.
    private static readonly FrozenSet<int> transient = FrozenSet.ToFrozenSet(
    [
        6, 7, 13, 18, 24, 43, 46, 50, 63, 64, 89, 91, 100, 112, 133, 134, 146, 150, 189, 202, 234, 251, 262, 317, 358, 365,
        8000, 9001, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 14031,
    ]);

    public static bool IsTransient(WriteError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.Category == ServerErrorCategory.ExecutionTimeout || transient.Contains(error.Code);
    }

    /// <summary>
    /// Whatever the driver throws: it cannot reach the store, or the store cannot do its work. What a single document is to blame for
    /// was sorted out before (<see cref="GuardedWrites"/>).
    /// </summary>
    public static bool IsStoreFault(Exception exception) => exception is MongoException or TimeoutException or System.Net.Sockets.SocketException or IOException;
}
