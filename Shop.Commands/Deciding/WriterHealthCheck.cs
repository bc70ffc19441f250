using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Shop.Commands.Deciding;

/// <summary>Not ready until the schema is in order and the writers run.</summary>
internal sealed class WriterHealthCheck(CommandWriters writers) : IHealthCheck
{
    public const string Name = "writers";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(writers.Started ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The write side is starting."));
}
