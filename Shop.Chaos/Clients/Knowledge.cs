using Shop.Chaos.History;

namespace Shop.Chaos.Clients;

/// <summary>The versions that a client was told or has read.</summary>
internal sealed class Knowledge
{
    private const int Remembered = 12;
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> versions = [];
    private readonly List<string> recent = [];

    public void Know(string subject, int version)
    {
        lock (gate)
        {
            if (!versions.TryGetValue(subject, out var known) || known < version) versions[subject] = version;
            recent.Remove(subject);
            recent.Add(subject);
            if (recent.Count > Remembered) recent.RemoveAt(0);
        }
    }

    public int? VersionOf(string subject)
    {
        lock (gate) return versions.TryGetValue(subject, out var version) ? version : null;
    }

    /// <summary>These, as far as they are known, and so many other things seen lately.</summary>
    public IReadOnlyList<Seen> Seen(IEnumerable<string> subjects, int more, Random random)
    {
        lock (gate)
        {
            HashSet<string> all = [.. subjects];
            for (; more > 0 && recent.Count > 0; more--) all.Add(recent[random.Next(recent.Count)]);
            return [.. all.Where(versions.ContainsKey).Select(known => new Seen(known, versions[known]))];
        }
    }
}
