using Shop.Contracts.Views;

namespace Shop.Projector.Rebuild;

/// <summary>What a comparison has found so far, and how far it is.</summary>
internal sealed class ComparisonTally(long total, Action<string, long, long> progress)
{
    private readonly List<Difference> differences = [];
    private long missing, extra, different, unsettled, compared, done;

    /// <summary>So many differences say enough: from then on nobody waits for one to go away.</summary>
    public bool HasEnough => differences.Count >= ComparisonReport.MostDifferences;

    public void Advance(string what, int count, bool counts)
    {
        done += count;
        if (counts) compared += count;
        // More may have come since the total was counted.
        progress(what, Math.Min(done, total), total);
    }

    public void Add(Difference difference)
    {
        switch (difference.Verdict)
        {
            case DifferenceVerdict.Missing: missing++; break;
            case DifferenceVerdict.Extra: extra++; break;
            case DifferenceVerdict.Unsettled: unsettled++; break;
            default: different++; break;
        }

        if (!HasEnough) differences.Add(difference);
    }

    public ComparisonReport ToReport(int generation) => new(generation, compared, missing, extra, different, unsettled, differences);
}
