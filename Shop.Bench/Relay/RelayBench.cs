using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Bench.Write;
using Shop.Commands.Outbox;
using Shop.Local.Postgres;
using Shop.ServiceDefaults.Messaging;
using Shop.ServiceDefaults.Observability;

namespace Shop.Bench.Relay;

/// <summary>The relay: how fast it empties a full outbox, and how soon after the commit an event is published.</summary>
internal static class RelayBench
{
    private const int Backlog = 200_000;
    private const int OrdersPerSecond = 2_000;
    private static readonly PublishEvents acceptAll = (events, _) => ValueTask.FromResult(new PublishResult[events.Count]);

    public static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        await using var server = await LocalPostgres.StartAsync(new(), cancellationToken);
        await using var broker = await RunningPart.BrokerAsync(cancellationToken);
        return
        [
            .. run.Includes("backlog") ? await BacklogAsync(run, server, broker.Address, cancellationToken) : [],
            .. run.Includes("delay") ? await DelayAsync(run, server, broker.Address, cancellationToken) : [],
        ];
    }

    private static async Task<IEnumerable<Result>> BacklogAsync(BenchRun run, LocalPostgres server, string broker, CancellationToken cancellationToken)
    {
        var events = run.Scale(Backlog);
        var connectionString = await RelayDatabase.CreateAsync(server, "backlog", events, cancellationToken);
        var read = Subject.Of("plain select", "rows read", "rows/s", On("four connections, pages of 1,000 rows, nothing done with them"),
            token => SelectAsync(connectionString, events, token));
        var stub = Subject.Of("relay to a stub", "throughput", "rows/s", On("four shards, batches of 1,000, acknowledgements saved"),
            token => EmptyAsync(connectionString, events, CommandsWith(acceptAll), InProcessStore.NoBroker, token));
        var bus = Subject.Of("relay through the local broker", "throughput", "events/s", On("four shards, batches of 1,000; the broker syncs before it accepts"),
            token => EmptyAsync(connectionString, events, configure: null, broker, token));
        var series = await run.InterleaveAsync([stub, read, bus], cancellationToken);
        return [run.Result(series[stub], series[read], Target.AtLeast(150_000)), run.Result(series[bus], series[stub], Target.AtLeast(25_000))];
    }

    private static async Task<IEnumerable<Result>> DelayAsync(BenchRun run, LocalPostgres server, string broker, CancellationToken cancellationToken)
    {
        await using var toStub = await InProcessStore.StartAsync(
            await WriteDatabase.CreateAsync(server, "delay", cancellationToken), cancellationToken, configure: CommandsWith(acceptAll));
        await using var toBroker = await InProcessStore.StartAsync(await WriteDatabase.CreateAsync(server, "delay_broker", cancellationToken), cancellationToken, broker);
        var conditions = On($"{OrdersPerSecond:#,0} orders/s offered one by one, groups of whatever waits; of each group, handed over in process");
        var stub = new Subject("commit to publish", conditions, token => PacedAsync(run, toStub, token));
        var accepted = new Subject("commit to accepted by the local broker", conditions, token => PacedAsync(run, toBroker, token));
        var series = await run.InterleaveAsync([stub, accepted], cancellationToken);
        return
        [
            run.Result(series[stub, "p50"], series[accepted, "p50"]), run.Result(series[stub, "p99"], series[accepted, "p99"], Target.AtMost(5)),
            run.Result(series[stub, "p99.9"], series[accepted, "p99.9"]), run.Result(series[stub, "rate"], series[accepted, "rate"]),
        ];
    }

    private static Action<IServiceCollection> CommandsWith(PublishEvents publish) => services => services.Replace(ServiceDescriptor.Singleton(publish));

    /// <summary>Starts the service over a full outbox and waits until everything is acknowledged; measured from the first acknowledgement on.</summary>
    private static async Task<double> EmptyAsync(
        string connectionString, int events, Action<IServiceCollection>? configure, string messaging, CancellationToken cancellationToken)
    {
        await RelayDatabase.ForgetAsync(connectionString, cancellationToken);
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var acked = new NpgsqlCommand("select sum(acked)::bigint from outbox_shard", connection);
        await using var store = await InProcessStore.StartAsync(connectionString, cancellationToken, messaging, configure);
        long first, now;
        while ((first = (long)(await acked.ExecuteScalarAsync(cancellationToken))!) == 0) await Task.Yield();
        var started = Stopwatch.GetTimestamp();
        while ((now = (long)(await acked.ExecuteScalarAsync(cancellationToken))!) < events) await Task.Delay(2, cancellationToken);
        return (now - first) / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<double> SelectAsync(string connectionString, int events, CancellationToken cancellationToken)
    {
        await using var dataSource = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { MaxAutoPrepare = 10, AutoPrepareMinUsages = 2 });
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(shard => Task.Run(async () =>
        {
            var position = 0L;
            for (var read = 1; read > 0;)
            {
                read = 0;
                await using var page = dataSource.CreateCommand(
                    "select position, event_id, type, subject, version, occurred_at, traceparent, data from outbox where shard = $1 and position > $2 order by position limit 1000");
                page.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)shard });
                page.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
                await using var reader = await page.ExecuteReaderAsync(cancellationToken);
                for (; await reader.ReadAsync(cancellationToken); read++) position = reader.GetInt64(0);
            }
        }, cancellationToken)));
        return events / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Orders at a fixed rate, whatever their answers take; percentiles of the relay's own metric.</summary>
    private static async Task<IReadOnlyList<Reading>> PacedAsync(BenchRun run, InProcessStore store, CancellationToken cancellationToken)
    {
        var histogram = new LatencyHistogram();
        var meters = store.Services.GetRequiredService<IMeterFactory>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == ShopMetrics.RelayDelay.Name && instrument.Meter.Scope == meters) self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => histogram.Record(TimeSpan.FromSeconds(seconds)));
        listener.Start();
        var duration = run.Duration;
        var placing = new List<Task>();
        var started = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (Stopwatch.GetElapsedTime(started) is var elapsed && elapsed < duration)
        {
            var due = (int)(elapsed.TotalSeconds * OrdersPerSecond);
            while (placing.Count < due) placing.Add(store.PlaceAsync());
            await timer.WaitForNextTickAsync(cancellationToken);
        }

        await Task.WhenAll(placing);
        var rate = placing.Count / Stopwatch.GetElapsedTime(started).TotalSeconds;
        return
        [
            new("p50", histogram.At(0.5).TotalMilliseconds, "ms"), new("p99", histogram.At(0.99).TotalMilliseconds, "ms"),
            new("p99.9", histogram.At(0.999).TotalMilliseconds, "ms"), new("rate", rate, "orders/s"),
        ];
    }

    private static Conditions On(string batching) => new(WriteDatabase.Durability, batching, $"server, relay and broker share {Environment.ProcessorCount}");
}
