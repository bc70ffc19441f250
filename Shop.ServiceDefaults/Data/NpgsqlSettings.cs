namespace Shop.ServiceDefaults.Data;

/// <summary>The settings of Aspire's PostgreSQL client integration, section <c>Aspire:Npgsql</c>.</summary>
public sealed class NpgsqlSettings
{
    public string? ConnectionString { get; set; }
    public bool DisableHealthChecks { get; set; }
    public bool DisableTracing { get; set; }
    public bool DisableMetrics { get; set; }
}
