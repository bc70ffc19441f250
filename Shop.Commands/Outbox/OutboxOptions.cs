namespace Shop.Commands.Outbox;

/// <summary>Section <c>Shop:Outbox</c>.</summary>
internal sealed class OutboxOptions
{
    public const string Section = "Shop:Outbox";

    /// <summary>Positions per partition, from 1,000. Two partitions are always attached ahead of the writers.</summary>
    public long PartitionSize { get; set; } = 1_000_000;

    /// <summary>How long published events stay as the archive.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How often partitions are looked after.</summary>
    public TimeSpan MaintenanceInterval { get; set; } = TimeSpan.FromSeconds(10);
}
