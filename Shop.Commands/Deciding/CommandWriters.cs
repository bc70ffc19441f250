using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Npgsql;
using Shop.Commands.Database;
using Shop.Commands.Observation;
using Shop.Commands.Outbox;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Commands.Deciding;

/// <summary>Routes every command to the writer of its shard. The number of shards lives in the database.</summary>
internal sealed partial class CommandWriters(
    NpgsqlDataSource dataSource, Migrator migrator, OutboxHandOff handOff, WriteSideTelemetry telemetry, IOptions<IntakeOptions> intake, TimeProvider time,
    ILoggerFactory loggers)
    : BackgroundService
{
    private readonly ILogger logger = loggers.CreateLogger<CommandWriters>();
    private volatile ShardWriter[] writers = [];

    /// <summary>False until the schema has been found in order.</summary>
    public bool Started => writers.Length > 0;

    /// <summary>Hands the command over and waits for its outcome; a full intake is answered at once.</summary>
    public Task<Outcome> SubmitAsync(Submission submission)
    {
        if (writers.Length > 0 && Writer(submission).TrySubmit(submission)) return submission.Outcome;
        return Task.FromResult<Outcome>(NotTaken(writers.Length == 0 ? "The write side is starting." : "The write side is saturated."));
    }

    /// <summary>Hands the command over as soon as there is room; the outcome is in the submission.</summary>
    public async ValueTask EnqueueAsync(Submission submission, CancellationToken cancellationToken)
    {
        if (writers.Length == 0)
        {
            submission.Answer(NotTaken("The write side is starting."));
            return;
        }

        try
        {
            await Writer(submission).SubmitAsync(submission, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            submission.Answer(NotTaken("The write side is stopping."));
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var startup = Pipelines.Forever("shopdb-startup", time, exception => exception is NpgsqlException or TimeoutException,
            (exception, delay) => Log.Waiting(logger, exception, delay));
        var shardCount = await startup.ExecuteAsync(async token =>
        {
            await migrator.RunAsync(token);
            await using var count = dataSource.CreateCommand("select count(*) from outbox_shard");
            return (int)(long)(await count.ExecuteScalarAsync(token))!;
        }, stoppingToken);

        var created = Enumerable.Range(0, shardCount)
            .Select(shard => new ShardWriter(shard, intake.Value.Capacity, dataSource, handOff, telemetry, time, loggers.CreateLogger<ShardWriter>())).ToArray();
        handOff.Start(shardCount);
        writers = created;
        telemetry.ObserveIntake(created);

        // The writers outlive the stopping token: they finish what they have taken, then their channels are empty and closed.
        using var close = stoppingToken.Register(() => Array.ForEach(created, writer => writer.Complete()));
        await Task.WhenAll(created.Select(writer => Task.Run(() => writer.RunAsync(CancellationToken.None), CancellationToken.None)));
        foreach (var writer in created) await writer.DisposeAsync();
    }

    private Outcome.Unavailable NotTaken(string why)
    {
        telemetry.Unavailable(1);
        return new(why, MayHaveHappened: false);
    }

    private ShardWriter Writer(Submission submission) => writers[submission.Target.Shard(writers.Length)];

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The write side's database is not ready; next try in {Delay}")]
        public static partial void Waiting(ILogger logger, Exception exception, TimeSpan delay);
    }
}
