using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Npgsql;
using Shop.Commands.Database;
using Shop.Commands.Observation;
using Shop.Commands.Outbox;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Commands.Deciding;

/// <summary>
/// Takes commands, and has them written by as many writers as there are processors, and two at least: the groups under way at once are then as
/// large as they can be, and what a group costs whatever its size is shared by as many commands. The number of shards lives in the database.
/// </summary>
internal sealed partial class CommandWriters(
    NpgsqlDataSource dataSource, Migrator migrator, OutboxHandOff handOff, WriteSideTelemetry telemetry, IOptions<IntakeOptions> options, TimeProvider time,
    ILoggerFactory loggers)
    : BackgroundService
{
    private readonly ILogger logger = loggers.CreateLogger<CommandWriters>();
    private readonly GroupIntake intake = new(options.Value.Capacity, time);
    private volatile int shardCount;

    /// <summary>False until the schema has been found in order.</summary>
    public bool Started => shardCount > 0;

    /// <summary>Hands the command over and waits for its outcome; a full intake is answered at once.</summary>
    public Task<Outcome> SubmitAsync(Submission submission)
    {
        if (Started && intake.TrySubmit(Routed(submission))) return submission.Outcome;
        return Task.FromResult<Outcome>(NotTaken(!Started ? "The write side is starting." : "The write side is saturated."));
    }

    /// <summary>Hands the command over as soon as there is room; the outcome is in the submission.</summary>
    public async ValueTask EnqueueAsync(Submission submission, CancellationToken cancellationToken)
    {
        if (!Started)
        {
            submission.Answer(NotTaken("The write side is starting."));
            return;
        }

        try
        {
            await intake.SubmitAsync(Routed(submission), cancellationToken);
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
        var shards = await startup.ExecuteAsync(async token =>
        {
            await migrator.RunAsync(token);
            await using var count = dataSource.CreateCommand("select count(*) from outbox_shard");
            return (int)(long)(await count.ExecuteScalarAsync(token))!;
        }, stoppingToken);

        // Two at least: with a single one a row that somebody else has locked would hold up every command, whatever it is about.
        var writers = Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount, Math.Min(2, shards), shards))
            .Select(number => new CommandWriter(number, shards, dataSource, handOff, telemetry, time, loggers.CreateLogger<CommandWriter>())).ToArray();
        handOff.Start(shards);
        telemetry.ObserveIntake(intake);
        shardCount = shards;

        // The writers outlive the stopping token: they finish what has been taken, until the intake is empty and closed.
        using var close = stoppingToken.Register(intake.Complete);
        await Task.Run(() => intake.RunAsync(writers), CancellationToken.None);
        foreach (var writer in writers) await writer.DisposeAsync();
    }

    private Outcome.Unavailable NotTaken(string why)
    {
        telemetry.Unavailable(1);
        return new(why, MayHaveHappened: false);
    }

    private Submission Routed(Submission submission)
    {
        submission.Shard = submission.Target.Shard(shardCount);
        return submission;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The write side's database is not ready; next try in {Delay}")]
        public static partial void Waiting(ILogger logger, Exception exception, TimeSpan delay);
    }
}
