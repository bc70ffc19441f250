using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Logging.Abstractions;
using Polly;
using Polly.Retry;

namespace Shop.ServiceDefaults.Resilience;

/// <summary>A retry pipeline of a service.</summary>
/// <param name="Name">As it appears in the metrics <c>resilience.polly.*</c>.</param>
/// <param name="Guards">What it repeats, and why the numbers suit it.</param>
public sealed record PipelineDefinition(string Name, string Guards);

/// <summary>A call over HTTP from one of our processes to another.</summary>
/// <param name="Caller">Who waits.</param>
/// <param name="Callee">Whom it waits for.</param>
/// <param name="What">The routes.</param>
/// <param name="CallerWaits">For one attempt.</param>
/// <param name="CalleeTakes">At the most; then it has answered, if only that it could not.</param>
public sealed record HttpCallDefinition(string Caller, string Callee, string What, TimeSpan CallerWaits, TimeSpan CalleeTakes);

/// <summary>
/// Every retry and every time-out between processes, with its numbers and its reason. Each pipeline has a name and reports to the meter
/// <c>Polly</c>; logging is its owner's, who can say what is away.
/// </summary>
public static class Pipelines
{
    /// <summary>How long a service may take to finish what it has in hand; Kubernetes' grace period is larger.</summary>
    public static readonly TimeSpan ShutdownBudget = TimeSpan.FromSeconds(10);

    // Callee's budgets first, the caller's above them: whoever waits must outlast whom it waits for, or it retries work that is being done.

    /// <summary>A command is answered within this, if only with "may have been done". Longer than a writer doubts a commit: 20 s.</summary>
    public static readonly TimeSpan CommandBudget = TimeSpan.FromSeconds(30);

    /// <summary>The longest a query waits for what its caller has seen (<c>Prefer: wait=30</c>) and then reads: 3 s to find the store away.</summary>
    public static readonly TimeSpan QueryBudget = TimeSpan.FromSeconds(33);

    /// <summary>One page of the write side's snapshot: a few statements by key, each of which may find the database away.</summary>
    public static readonly TimeSpan SnapshotBudget = TimeSpan.FromSeconds(25);

    /// <summary>The slowest health check: it finds out that something does not answer. The checks of a service run side by side.</summary>
    public static readonly TimeSpan HealthBudget = TimeSpan.FromSeconds(4);

    /// <summary>Whoever asks for <c>/health</c> waits so long, and does not ask again at once: the next look comes anyway.</summary>
    public static readonly TimeSpan ProbeBudget = TimeSpan.FromSeconds(5);

    /// <summary>One attempt of a call from service to service, to the answer's headers. More than any callee takes.</summary>
    public static readonly TimeSpan HttpAttemptBudget = TimeSpan.FromSeconds(35);

    /// <summary>A call with its retries: two attempts that run into their limit, with the pause between, and some.</summary>
    public static readonly TimeSpan HttpTotalBudget = TimeSpan.FromSeconds(80);

    /// <summary>Every call between our processes; tests hold this list together with the code and with the network policies.</summary>
    public static IReadOnlyList<HttpCallDefinition> Calls { get; } =
    [
        new("projector", "commands", "/snapshot, for a rebuild or a comparison", HttpAttemptBudget, SnapshotBudget),
        new("queries", "commands", "POST /commands, for the dashboard", HttpAttemptBudget, CommandBudget),
        new("queries", "commands", "/health and /backlog, for the dashboard", ProbeBudget, HealthBudget),
        new("queries", "projector", "/health and /lag, for the dashboard", ProbeBudget, HealthBudget),
    ];

    /// <summary>100 ms doubling to 2 s, with jitter: what comes back is used within seconds and is not trampled by everyone at once.</summary>
    private static readonly (TimeSpan First, TimeSpan Longest) foreverDelays = (TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));

    /// <summary>The retry pipelines of all services; a test holds this list and the code together. All of them are <see cref="Forever"/>.</summary>
    public static IReadOnlyList<PipelineDefinition> All { get; } =
    [
        new("shopdb-startup", "Commands: migrating and counting shards. A write side without its database can only wait; /health says so."),
        new("relay-leadership", "Commands: leading shards. The outbox keeps everything meanwhile, so giving up would only need a person."),
        new("servicebus-connect", "Every publisher and receiver: its connection. A link that lives less than 5 s counts as failed, against a broker that attaches and detaches."),
        new("projection", "Projector: until the store takes a write again. No message is taken meanwhile, so no lock runs out."),
        new("summaries", "Projector: the sweep over dirty buckets. What is dirty stays marked."),
        new("rebuild", "Projector: filling the next generation. Its progress is kept, so it goes on where it was."),
        new("rebuild-lease", "Projector: holding the lease of a rebuild. Another projector takes over when it runs out."),
        new("live orders", "Queries: polling for listeners. They keep their connection and see what changed when the store is back."),
    ];

    /// <summary>For loops that must outlive any outage.</summary>
    public static ResiliencePipeline Forever(string name, TimeProvider time, Predicate<Exception> isOutage, Action<Exception, TimeSpan> onRetry) =>
        new ResiliencePipelineBuilder { Name = name, TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                Name = "forever",
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = foreverDelays.First,
                MaxDelay = foreverDelays.Longest,
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is { } exception && isOutage(exception)),
                OnRetry = arguments =>
                {
                    onRetry(arguments.Outcome.Exception!, arguments.RetryDelay);
                    return default;
                },
            })
            .ConfigureTelemetry(NullLoggerFactory.Instance)
            .Build();

    /// <summary>
    /// The standard handler for every HTTP client (its pipeline is named after the client). It repeats POST too: commands have one effect however often they are sent. The
    /// breaker looks at two attempts' time at least, which the handler demands; its other numbers and the limiter's are the handler's own.
    /// </summary>
    public static void ConfigureHttp(HttpStandardResilienceOptions http)
    {
        ArgumentNullException.ThrowIfNull(http);
        http.AttemptTimeout.Timeout = HttpAttemptBudget;
        http.TotalRequestTimeout.Timeout = HttpTotalBudget;
        http.CircuitBreaker.SamplingDuration = 2 * HttpAttemptBudget;
        http.Retry.Delay = TimeSpan.FromMilliseconds(200);
    }
}
