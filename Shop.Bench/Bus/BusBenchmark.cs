using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Local.RabbitMq;

namespace Shop.Bench.Bus;

/// <summary>
/// The bus client with the local broker: messages of 1 KB, with and without fsync, and with RabbitMQ under the same durability where it is
/// wanted. And what a million queued messages cost in memory.
/// </summary>
internal static class BusBenchmark
{
    private const int Messages = 100_000;
    private const int MessagesWithFsync = 40_000;
    private const double WantedPerSecond = 40_000;
    private const double WantedTimesRabbitMq = 2;
    private const string Cores = "client and broker share the machine's cores";
    private const string Batching = "1 KB, 4 callers of 250 events; up to 1,000 unsettled";

    public static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        await using var plain = await RunningPart.BrokerAsync(cancellationToken);
        await using var synced = await RunningPart.BrokerAsync(cancellationToken, "--fsync");
        await using var rabbitMq = await StartRabbitMqAsync(run, cancellationToken);
        await using var withoutFsync = new BusLoad(plain.Address, run.Scale(Messages));
        await using var withFsync = new BusLoad(synced.Address, run.Scale(MessagesWithFsync));
        await using var other = rabbitMq is null ? null : new BusLoad(rabbitMq.ConnectionString, run.Scale(MessagesWithFsync));

        List<(Subject Subject, BusLoad Load)> subjects =
        [
            (Subject("local broker", "written to a log, no fsync", withoutFsync), withoutFsync),
            (Subject("local broker, fsync", "fsync before the acknowledgement", withFsync), withFsync),
        ];
        if (other is not null) subjects.Add((Subject("RabbitMQ", "quorum queue: fsync before the acknowledgement", other), other));
        foreach (var (_, load) in subjects) await load.MeasureAsync(cancellationToken);
        var measured = await run.InterleaveAsync([.. subjects.Select(item => item.Subject)], cancellationToken);

        List<Result> results = [];
        foreach (var measure in new[] { BusLoad.Published, BusLoad.Consumed })
        {
            results.Add(run.Result(measured[subjects[0].Subject, measure], target: Target.AtLeast(WantedPerSecond)));
            results.Add(other is null
                ? run.Result(measured[subjects[1].Subject, measure])
                : run.Result(measured[subjects[1].Subject, measure], measured[subjects[2].Subject, measure], Target.AtLeastTimes(WantedTimesRabbitMq)));
        }

        results.AddRange(await QueuedMemory.MeasureAsync(run, cancellationToken));
        return results;
    }

    private static Subject Subject(string name, string durability, BusLoad load) => new(name, new(durability, Batching, Cores), load.MeasureAsync);

    private static async Task<LocalRabbitMq?> StartRabbitMqAsync(BenchRun run, CancellationToken cancellationToken)
    {
        if (run.WithRabbitMq) return await LocalRabbitMq.StartAsync(port: 0, quorum: true, cancellationToken);
        run.Say(LocalRabbitMq.IsInstalled
            ? "RabbitMQ is left out; --with-rabbitmq measures it too."
            : "RabbitMQ is left out; --with-rabbitmq measures it too, where it is installed (apt-get install rabbitmq-server).");
        return null;
    }
}
