using System.Diagnostics;
using MongoDB.Driver;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Contracts.Events;
using Shop.Projector.Projection;
using Shop.Projector.Summaries;
using Shop.ServiceDefaults.Data;

namespace Shop.Bench.Read;

/// <summary>What a customer with 100,000 orders costs beside one with ten: per event (sums included) and per query.</summary>
internal static class LargeCustomerBench
{
    private const int Many = 100_000;
    private const int Few = 10;
    private const int SmallCustomers = 2_000;
    private const int EventsPerRepetition = 2_000;

    /// <summary>Three years of orders.</summary>
    private static readonly DateTimeOffset start = new(2023, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan age = TimeSpan.FromDays(3 * 365);
    private static readonly string[] large = ["LARGE"];
    private static readonly string[] small = [.. Enumerable.Range(0, SmallCustomers).Select(number => $"SMALL{number}")];

    public static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        await using var store = await RunningPart.StoreAsync(cancellationToken);
        var models = new ReadModels(new MongoClient(store.Address).GetDatabase("shop"));
        var projection = new OrderProjection(models, TimeProvider.System);
        var next = 0;
        run.Say($"filling in a customer with {run.Scale(Many)} orders");
        await ProjectAsync(Enumerable.Range(0, run.Scale(Many)).Select(_ => SampleOrders.At(++next, start + (age * Random.Shared.NextDouble()), large[0])));
        await ProjectAsync(small.SelectMany(customer => Enumerable.Range(0, Few).Select(_ => SampleOrders.At(++next, start + (age * Random.Shared.NextDouble()), customer))));
        await ProjectAsync([], [new CustomerState(large[0], "Large", 1, 1), .. small.Select(customer => new CustomerState(customer, "Small", 1, 1))]);
        await SummaryRecomputation.SweepAsync(models.Generation(1), cancellationToken);
        await using var queries = await RunningPart.ServiceAsync("Shop.Queries", new Dictionary<string, string> { ["ConnectionStrings__readdb"] = store.Address }, cancellationToken);
        using var readers = await HttpReaders.ConnectAsync(queries.Address, cancellationToken, connections: 4);

        Subject[] subjects = [OfEvents("events of large customer", large), OfEvents("events of small customers", small), OfQueries("large customer", large), OfQueries("small customers", small)];
        foreach (var subject in subjects) await subject.MeasureAsync(cancellationToken);
        var series = await run.InterleaveAsync(subjects, cancellationToken);
        const string perEvent = "time per event, sums included", history = "history, newest page", summary = "summary";
        return
        [
            run.Result(series[subjects[0], perEvent], series[subjects[1], perEvent], Target.AtMostTimes(2)),
            run.Result(series[subjects[2], history], series[subjects[3], history], Target.AtMostTimes(2)),
            run.Result(series[subjects[2], summary], series[subjects[3], summary], Target.AtMostTimes(2)),
        ];

        Subject OfEvents(string name, string[] customers) => Subject.Of(
            name, perEvent, "us", new(ReadBench.StoreDurability, $"batches of {ProjectionRig.Batch}, then one sweep", ReadBench.SharedCores), async token =>
            {
                // The small ones' newest day as well as the large one's has orders already.
                OrderState[] orders = [.. Enumerable.Range(0, EventsPerRepetition).Select(number =>
                    SampleOrders.At(++next, start + age - TimeSpan.FromMinutes(Random.Shared.Next(1_000)), customers[number % customers.Length]))];
                var began = Stopwatch.GetTimestamp();
                await ProjectAsync(orders);
                await SummaryRecomputation.SweepAsync(models.Generation(1), token);
                return Stopwatch.GetElapsedTime(began).TotalMicroseconds / orders.Length;
            });

        Subject OfQueries(string name, string[] customers) => new(
            name, new("reads only", "4 connections, one request at a time each", ReadBench.SharedCores), async token =>
            {
                string Any() => customers[Random.Shared.Next(customers.Length)];
                var (pages, _) = await readers.RunAsync(run.Duration / 2, () => $"/customers/{Any()}/orders?limit=10", token);
                var (sums, _) = await readers.RunAsync(run.Duration / 2, () => $"/customers/{Any()}", token);
                return [new(history, 4 * 1_000_000 / pages, "us"), new(summary, 4 * 1_000_000 / sums, "us")];
            });

        async Task ProjectAsync(IEnumerable<OrderState> orders, params CustomerState[] customers)
        {
            IncomingEvent[] named = [.. customers.Select(customer => new IncomingEvent(
                EventTypes.CustomerRegistered, System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(customer, EventJson.Default.CustomerState)))];
            foreach (var batch in orders.Select(SampleOrders.Incoming).Concat(named).Chunk(ProjectionRig.Batch))
                await foreach (var _ in projection.ApplyAsync(new ProjectionBatch(batch), cancellationToken)) { }
        }
    }
}
