using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Http;

/// <summary>
/// The generation that queries read. Looked up at most once a second: the one before is still written for far longer than that after a
/// flip, so an answer from it is as true.
/// </summary>
internal sealed class LiveReadModel(ReadModels models, TimeProvider time)
{
    private static readonly TimeSpan validity = TimeSpan.FromSeconds(1);
    private volatile Known? known;

    public ReadModels Models => models;

    public async ValueTask<ReadModelGeneration> CurrentAsync(CancellationToken cancellationToken)
    {
        if (known is { } fresh && time.GetElapsedTime(fresh.At) < validity) return fresh.Generation;
        var at = time.GetTimestamp();
        var state = await models.FindStateAsync(cancellationToken);
        // Before the first projector has ever started there is nothing to read, and the first generation says so as well as any.
        var current = new Known(models.Generation(state?.Live ?? 1), at);
        known = current;
        return current.Generation;
    }

    private sealed record Known(ReadModelGeneration Generation, long At);
}
