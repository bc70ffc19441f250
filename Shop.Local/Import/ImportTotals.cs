using Shop.Contracts.Commands;

namespace Shop.Local.Import;

/// <summary>What became of the lines so far.</summary>
public sealed class ImportTotals
{
    /// <summary>Done now, for the first time.</summary>
    public long Accepted { get; private set; }

    /// <summary>Done before; the first answer came again.</summary>
    public long Replayed { get; private set; }

    public long Refused { get; private set; }

    public long All => Accepted + Replayed + Refused;

    internal void Count(BatchLineResult result)
    {
        if (result.Problem is not null || result.Status >= 400) Refused++;
        else if (result.Replayed) Replayed++;
        else Accepted++;
    }
}
