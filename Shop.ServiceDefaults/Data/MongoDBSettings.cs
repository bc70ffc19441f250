namespace Shop.ServiceDefaults.Data;

/// <summary>The settings of Aspire's MongoDB client integration, section <c>Aspire:MongoDB:Driver</c>.</summary>
public sealed class MongoDBSettings
{
    public string? ConnectionString { get; set; }
    public bool DisableHealthChecks { get; set; }
    public int? HealthCheckTimeout { get; set; }
    public bool DisableTracing { get; set; }
}
