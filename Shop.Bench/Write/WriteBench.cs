using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Local.Postgres;

namespace Shop.Bench.Write;

/// <summary>Orders per second into PostgreSQL: the shop's group commit beside one commit per order.</summary>
internal static class WriteBench
{
    private const string Rate = "orders/s";
    private const string Throughput = "throughput";
    private const int WarmUps = 6;
    private const string PostgreSql = "PostgreSQL", Shop = "the service", Callers = "the callers";

    public static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        await using var server = await LocalPostgres.StartAsync(new(), cancellationToken);
        var reference = await WriteDatabase.CreateReferenceAsync(server, cancellationToken);
        var plain = Timed("pgbench plain", On($"one commit per order, one round trip per statement, {PgBench.Clients} clients"), new((PostgreSql, server.ProcessId)),
            Measure(run, new PgBench(reference, pipelined: false).RunAsync));
        return
        [
            .. run.Includes("store") ? await InProcessAsync(run, server, reference, plain, cancellationToken) : [],
            .. run.Includes("http") ? await OverHttpAsync(run, server, reference, plain, cancellationToken) : [],
            .. run.Includes("flat") ? await FlatCostAsync(run, server, cancellationToken) : [],
        ];
    }

    private static async Task<IEnumerable<Result>> InProcessAsync(
        BenchRun run, LocalPostgres server, string reference, Subject plain, CancellationToken cancellationToken)
    {
        await using var store = await InProcessStore.StartAsync(await WriteDatabase.CreateAsync(server, "store", cancellationToken), cancellationToken);
        await using var single = new OneCommitPerOrder(reference);
        var stored = Timed("store", On($"groups of whatever waits, {InProcessStore.Callers} callers; rules, command log, outbox"),
            new((PostgreSql, server.ProcessId), (Shop, Environment.ProcessId)), Measure(run, store.RunAsync));
        var pipelined = Subject.Of("pgbench pipelined", Throughput, Rate, On($"one commit and one round trip per order, {PgBench.Clients} clients"),
            Measure(run, new PgBench(reference, pipelined: true).RunAsync));
        var batch = Subject.Of("NpgsqlBatch", Throughput, Rate, On($"one commit and one round trip per order, {OneCommitPerOrder.Connections} callers"), Measure(run, (duration, token) =>
            Load.RunAsync(OneCommitPerOrder.Connections, duration, _ => single.PlaceAsync(Catalogue.NextOrder(), token), token)));
        var series = await run.InterleaveAsync([stored, plain, pipelined, batch], cancellationToken, WarmUps);
        return
        [
            run.Result(series[stored, Throughput], series[plain, Throughput], Target.AtLeastTimes(3)),
            run.Result(series[stored, Throughput], series[pipelined]),
            run.Result(series[stored, Throughput], series[batch]),
            run.Result(series[stored, ProcessorTimes.Of(PostgreSql)], series[plain, ProcessorTimes.Of(PostgreSql)]),
            run.Result(series[stored, ProcessorTimes.Of(Shop)]),
        ];
    }

    private static async Task<IEnumerable<Result>> OverHttpAsync(
        BenchRun run, LocalPostgres server, string reference, Subject plain, CancellationToken cancellationToken)
    {
        await using var broker = await RunningPart.BrokerAsync(cancellationToken);
        await using var relaying = await StartShopAsync(await WriteDatabase.CreateAsync(server, "http_relay", cancellationToken), broker.Address, cancellationToken);
        await using var shop = await StartShopAsync(await WriteDatabase.CreateAsync(server, "http", cancellationToken), InProcessStore.NoBroker, cancellationToken);
        await using var endpoint = await RunningPart.ServiceAsync(
            "Shop.Bench", new Dictionary<string, string> { ["ConnectionStrings__shopdb"] = reference }, cancellationToken, ReferenceEndpoint.Verb);
        using var shopLoad = await HttpLoad.ConnectAsync(shop.Address, cancellationToken);
        using var relayingLoad = await HttpLoad.ConnectAsync(relaying.Address, cancellationToken);
        using var endpointLoad = await HttpLoad.ConnectAsync(endpoint.Address, cancellationToken);
        ProcessorTimes With(RunningPart service) => new((PostgreSql, server.ProcessId), (Shop, service.ProcessId), (Callers, Environment.ProcessId));
        var overHttp = Timed("Shop.Commands over HTTP", On($"groups of whatever waits, {HttpLoad.Connections} connections; rules, command log, outbox"), With(shop), Measure(run, shopLoad.RunAsync));
        var single = Timed("endpoint of one commit per order",
            On($"one commit and one round trip per order, {HttpLoad.Connections} connections, {OneCommitPerOrder.Connections} to the database"), With(endpoint), Measure(run, endpointLoad.RunAsync));
        var withRelay = new Subject("Shop.Commands over HTTP, relaying to the local broker", overHttp.Conditions with { Cores = overHttp.Conditions.Cores + ", the broker too" },
            async token =>
            {
                var rate = await relayingLoad.RunAsync(run.Duration, token);
                return [new(Throughput, rate, Rate), new("highest resident memory", ResidentMemory.Peak(relaying.ProcessId) / (1024.0 * 1024.0), "MB")];
            });
        var series = await run.InterleaveAsync([overHttp, plain, single, withRelay], cancellationToken, WarmUps);
        return
        [
            run.Result(series[overHttp, Throughput], series[plain, Throughput], Target.AtLeastTimes(2.5)),
            run.Result(series[overHttp, Throughput], series[single, Throughput], Target.AtLeastTimes(3)),
            .. ((string[])[PostgreSql, Shop, Callers]).Select(whose => run.Result(series[overHttp, ProcessorTimes.Of(whose)], series[single, ProcessorTimes.Of(whose)])),
            run.Result(series[withRelay, Throughput], series[plain, Throughput]),
            run.Result(series[withRelay, "highest resident memory"], target: Target.AtMost(300)),
        ];
    }

    /// <summary>The same store over few orders and over many, in databases of their own.</summary>
    private static async Task<IEnumerable<Result>> FlatCostAsync(BenchRun run, LocalPostgres server, CancellationToken cancellationToken)
    {
        const int few = 10_000;
        var many = run.Scale(2_000_000);
        var (small, large) = (await WriteDatabase.CreateAsync(server, "small", cancellationToken), await WriteDatabase.CreateAsync(server, "large", cancellationToken));
        run.Say($"adding {many:#,0} old orders");
        await WriteDatabase.ExecuteAsync(large, Catalogue.VeryManyOldOrders(many), cancellationToken);
        foreach (var database in (string[])[large, small]) await WriteDatabase.ExecuteAsync(database, "vacuum analyze", cancellationToken);
        await using var fewStore = await InProcessStore.StartAsync(small, cancellationToken);
        await using var manyStore = await InProcessStore.StartAsync(large, cancellationToken);
        var batching = $"groups of whatever waits, {InProcessStore.Callers} callers; rules, command log, outbox";
        var overFew = Subject.Of($"store with {few:#,0} orders", Throughput, Rate, On(batching), async token =>
        {
            await WriteDatabase.ExecuteAsync(small, "truncate orders, order_items, command_log", token);
            await WriteDatabase.ExecuteAsync(small, Catalogue.OldOrders(few), token);
            await WriteDatabase.ExecuteAsync(small, "vacuum analyze orders, order_items, command_log", token);
            return await fewStore.RunAsync(run.Duration, token);
        });
        var overMany = Subject.Of($"store with {many:#,0} orders", Throughput, Rate, On(batching), Measure(run, manyStore.RunAsync));
        var series = await run.InterleaveAsync([overMany, overFew], cancellationToken, WarmUps);
        return [run.Result(series[overMany], series[overFew], Target.AtLeastTimes(0.9))];
    }

    private static Task<RunningPart> StartShopAsync(string connectionString, string messaging, CancellationToken cancellationToken) =>
        RunningPart.ServiceAsync("Shop.Commands", new Dictionary<string, string>
        {
            ["ConnectionStrings__shopdb"] = connectionString, ["ConnectionStrings__messaging"] = messaging,
        }, cancellationToken);

    private static Subject Timed(string name, Conditions conditions, ProcessorTimes times, Func<CancellationToken, Task<double>> measureAsync) =>
        new(name, conditions, token => times.AroundAsync(Throughput, Rate, () => measureAsync(token)));

    private static Func<CancellationToken, Task<double>> Measure(BenchRun run, Func<TimeSpan, CancellationToken, Task<double>> measureAsync) =>
        cancellationToken => measureAsync(run.Duration, cancellationToken);

    private static Conditions On(string batching) => new(WriteDatabase.Durability, batching, $"server, client and load share {Environment.ProcessorCount}");
}
