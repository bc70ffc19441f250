using Shop.Chaos.Schedule;
using Shop.Local.Supervision;

namespace Shop.Chaos.Stage;

/// <summary>Where the parts listen, where their administration does, and where the proxies between them do.</summary>
internal sealed class StagePorts
{
    private static readonly string[] administered = [.. Topology.Commands, .. Topology.Projectors];
    private readonly Dictionary<string, int> parts, administration, proxies;

    public StagePorts()
    {
        var names = Topology.Parts.Length + administered.Length + Topology.Pairs.Length;
        var next = FreePort.NextBase([.. Enumerable.Range(0, names)]);
        parts = Topology.Parts.ToDictionary(part => part, _ => next++);
        administration = administered.ToDictionary(part => part, _ => next++);
        proxies = Topology.Pairs.ToDictionary(pair => Topology.Pair(pair.From, pair.To), _ => next++);
    }

    public int Of(string part) => parts[part];

    public int Administration(string part) => administration[part];

    public int Proxy(string from, string to) => proxies[Topology.Pair(from, to)];

    /// <summary>What a proxy leads to: the projectors know of the write side its administration only.</summary>
    public int TargetOf(string from, string to) => Topology.Projectors.Contains(from) && Topology.Commands.Contains(to) ? Administration(to) : Of(to);
}
