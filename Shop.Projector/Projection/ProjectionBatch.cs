namespace Shop.Projector.Projection;

/// <summary>
/// What a batch of messages amounts to: per aggregate the highest version that can be applied. Lower versions of the same aggregate
/// are done when the highest is; if that proves to be poison, the next one takes its place.
/// </summary>
public sealed class ProjectionBatch
{
    private readonly Dictionary<Aggregate, List<ApplicableEvent>> contenders = [];
    private readonly SortedDictionary<int, Poison> poison = [];

    public ProjectionBatch(IReadOnlyList<IncomingEvent> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        Count = messages.Count;
        for (var index = 0; index < messages.Count; index++)
        {
            var (applicable, reason) = EventDecoder.Decode(index, messages[index]);
            if (applicable is null) poison.Add(index, reason!);
            else if (contenders.TryGetValue(applicable.Aggregate, out var others)) others.Add(applicable);
            else contenders.Add(applicable.Aggregate, [applicable]);
        }

        foreach (var versions in contenders.Values) versions.Sort((left, right) => left.Version.CompareTo(right.Version));
    }

    /// <summary>How many messages came in.</summary>
    public int Count { get; }

    /// <summary>By index of the message: those that can never be applied, as far as is known by now.</summary>
    public IReadOnlyDictionary<int, Poison> Poison => poison;

    /// <summary>The states to write, of one kind.</summary>
    public IEnumerable<ApplicableEvent> Winners(AggregateKind kind) =>
        contenders.Where(pair => pair.Key.Kind == kind).Select(pair => pair.Value[^1]);

#if SEEDED_BUGS
    internal void Forget(IEnumerable<Aggregate> redelivered)
    {
        foreach (var aggregate in redelivered) contenders.Remove(aggregate);
    }
#endif

    /// <summary>The store will never take this winner. Answers the one that takes its place, or null.</summary>
    public ApplicableEvent? Reject(ApplicableEvent winner, string description)
    {
        ArgumentNullException.ThrowIfNull(winner);
        var versions = contenders[winner.Aggregate];
        versions.Remove(winner);
        poison.Add(winner.Index, new(PoisonReason.RefusedByStore, description));
        if (versions.Count > 0) return versions[^1];
        contenders.Remove(winner.Aggregate);
        return null;
    }
}
