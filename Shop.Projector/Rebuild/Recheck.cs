using Shop.Contracts.Views;
using Shop.Projector.Observation;

namespace Shop.Projector.Rebuild;

/// <summary>
/// An event on its way looks like a difference, so what looks like one is looked at again until it is gone, or has stayed for the settle time
/// after the projection has reached the events of the moment at which it was first seen.
/// </summary>
internal sealed class Recheck(
    ComparisonTally tally, RebuildOptions options, ProjectionStatus projection, TimeProvider time,
    Func<IReadOnlyCollection<string>, CancellationToken, Task<IReadOnlyList<Difference>>> findAsync)
{
    private const int MostSuspects = 5_000;
    private const int Page = 500;
    private static readonly TimeSpan pause = TimeSpan.FromMilliseconds(250);
    private readonly HashSet<string> suspects = [];

    /// <summary>Looks at these for the first time.</summary>
    public async Task LookAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken) =>
        await SuspectAsync((await findAsync(ids, cancellationToken)).Select(difference => difference.Id), cancellationToken);

    public async Task SuspectAsync(IEnumerable<string> ids, CancellationToken cancellationToken)
    {
        suspects.UnionWith(ids);
        if (suspects.Count >= MostSuspects) await SettleAsync(cancellationToken);
    }

    /// <summary>Waits for what is on its way; what stays is a difference.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (suspects.Count > 0)
        {
            List<Difference> left = [];
            foreach (var page in suspects.Chunk(Page)) left.AddRange(await findAsync(page, cancellationToken));
            suspects.Clear();
            if (left.Count == 0) return;
            if (tally.HasEnough || IsOver(time.GetElapsedTime(began)))
            {
                foreach (var difference in left) tally.Add(difference);
                return;
            }

            suspects.UnionWith(left.Select(difference => difference.Id));
            await Task.Delay(pause, time, cancellationToken);
        }
    }

    /// <summary>An event that is applied now was committed its lag ago.</summary>
    private bool IsOver(TimeSpan waited)
    {
        var report = projection.Lag();
        var pending = projection.PendingAge ?? TimeSpan.Zero;
        var recent = TimeSpan.FromSeconds(report.P99 ?? 0);
        return waited > options.LongestSettleTime || waited - (pending > recent ? pending : recent) > options.SettleTime;
    }
}
