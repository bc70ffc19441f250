using Microsoft.Extensions.Diagnostics.HealthChecks;
using MongoDB.Bson;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Observation;

/// <summary>Degraded, never Unhealthy: a projector that waits is doing the right thing, and restarting it helps nobody.</summary>
internal sealed class ProjectionHealthCheck(ReadModels models, ProjectionStatus status) : IHealthCheck
{
    private static readonly TimeSpan stuckAfter = TimeSpan.FromSeconds(30);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (status.StoreAwaySince is { } since) return HealthCheckResult.Degraded($"The store has not worked since {since:O}.");
        if (status.PendingAge is { } age && age > stuckAfter)
            return HealthCheckResult.Degraded($"The oldest event in hand has waited for {age.TotalSeconds:F0} s.");
        try
        {
            await models.Database.RunCommandAsync<BsonDocument>(new BsonDocument("ping", 1), cancellationToken: cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception exception) when (StoreFaults.IsStoreFault(exception) || exception is OperationCanceledException)
        {
            return HealthCheckResult.Degraded("MongoDB does not answer.", exception);
        }
    }
}
