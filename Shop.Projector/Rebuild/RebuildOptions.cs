namespace Shop.Projector.Rebuild;

/// <summary>Configuration section <c>Shop:Rebuild</c>.</summary>
public sealed class RebuildOptions
{
    public const string Section = "Shop:Rebuild";

    /// <summary>States per request to the write side; 1 to 1,000.</summary>
    public int PageSize { get; set; } = 500;

    /// <summary>A projector that was killed gives up its rebuild after this long.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What differs for longer than this, beyond the projection's lag, is a difference; less is an event on its way.</summary>
    public TimeSpan SettleTime { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The end of waiting for a projection that does not catch up.</summary>
    public TimeSpan LongestSettleTime { get; set; } = TimeSpan.FromMinutes(10);
}
