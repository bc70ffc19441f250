using Polly;
using Polly.Retry;

namespace Shop.ServiceDefaults.Resilience;

/// <summary>Every retry of the system, with its numbers and its reason.</summary>
public static class Pipelines
{
    /// <summary>How long a service may take to finish what it has in hand; Kubernetes' grace period is larger.</summary>
    public static readonly TimeSpan ShutdownBudget = TimeSpan.FromSeconds(10);

    /// <summary>
    /// For loops that must outlive any outage (relay, projector): for ever, 100 ms doubling to 2 s with jitter, so that a part that
    /// comes back is used within seconds and is not trampled by everyone at once.
    /// </summary>
    public static ResiliencePipeline Forever(string name, TimeProvider time, Predicate<Exception> isOutage, Action<Exception, TimeSpan> onRetry) =>
        new ResiliencePipelineBuilder { Name = name, TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                Name = "forever",
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = TimeSpan.FromMilliseconds(100),
                MaxDelay = TimeSpan.FromSeconds(2),
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is { } exception && isOutage(exception)),
                OnRetry = arguments =>
                {
                    onRetry(arguments.Outcome.Exception!, arguments.RetryDelay);
                    return default;
                },
            })
            .Build();

    /// <summary>For a start-up step that needs a server which may be starting too: a minute in all, then the process ends and is restarted.</summary>
    public static ResiliencePipeline Startup(string name, TimeProvider time, Predicate<Exception> isOutage, Action<Exception, TimeSpan> onRetry) =>
        new ResiliencePipelineBuilder { Name = name, TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                Name = "startup",
                MaxRetryAttempts = 60,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = TimeSpan.FromMilliseconds(100),
                MaxDelay = TimeSpan.FromSeconds(1),
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is { } exception && isOutage(exception)),
                OnRetry = arguments =>
                {
                    onRetry(arguments.Outcome.Exception!, arguments.RetryDelay);
                    return default;
                },
            })
            .Build();
}
