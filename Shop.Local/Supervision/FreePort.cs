using System.Net;
using System.Net.Sockets;

namespace Shop.Local.Supervision;

public static class FreePort
{
    /// <summary>A loopback port nobody listens on now.</summary>
    public static int Next()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>A base from which every one of <paramref name="offsets"/> is free now.</summary>
    public static int NextBase(IReadOnlyList<int> offsets)
    {
        const int lowest = 20_000, highest = 32_000, attempts = 200;
        for (var attempt = 0; attempt < attempts; attempt++)
        {
            // Below the range from which the system hands out ports to clients, in steps wide enough that two shops do not overlap.
            var candidate = lowest + (Random.Shared.Next((highest - lowest) / 20) * 20);
            if (offsets.All(offset => IsFree(candidate + offset))) return candidate;
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
