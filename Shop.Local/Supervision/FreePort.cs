using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Shop.Local.Supervision;

public static class FreePort
{
    private const int Lowest = 10_000, Count = 10_000;
    private static int last = Random.Shared.Next(Count);
    private static readonly ConcurrentDictionary<int, bool> basesGiven = new();

    /// <summary>
    /// A loopback port nobody listens on now, and nobody else in this process gets. Below the range from which the system hands out ports to
    /// clients: one of that range may be some connection's by the time somebody listens on it, or listens on it again.
    /// </summary>
    public static int Next()
    {
        for (var attempt = 0; attempt < Count; attempt++)
        {
            var candidate = Lowest + (int)((uint)Interlocked.Increment(ref last) % Count);
            if (IsFree(candidate)) return candidate;
        }

        throw new LocalRunException($"No port from {Lowest} to {Lowest + Count - 1} is free.");
    }

    /// <summary>A base from which every one of <paramref name="offsets"/> is free now, and which nobody else in this process gets.</summary>
    public static int NextBase(IReadOnlyList<int> offsets)
    {
        const int lowest = 20_000, highest = 32_000, attempts = 200;
        for (var attempt = 0; attempt < attempts; attempt++)
        {
            // Below the range from which the system hands out ports to clients, in steps wide enough that two shops do not overlap.
            var candidate = lowest + (Random.Shared.Next((highest - lowest) / 20) * 20);
            if (offsets.All(offset => IsFree(candidate + offset)) && basesGiven.TryAdd(candidate, true)) return candidate;
        }

        throw new LocalRunException($"No free range of ports was found between {lowest} and {highest}.");
    }

    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
