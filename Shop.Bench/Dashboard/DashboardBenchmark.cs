using Microsoft.Playwright;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;

namespace Shop.Bench.Dashboard;

/// <summary>
/// The page of a customer with 100,000 orders beside that of one with 10, in a real browser with nothing cached: until something is
/// painted, and until the history is. Store and queries are processes of their own; the read model's documents are put there directly.
/// </summary>
internal static class DashboardBenchmark
{
    private const int Many = 100_000;
    private const int Few = 10;
    private const int Batch = 5_000;
    private const string FirstPaint = "first paint";
    private const string FirstContentfulPaint = "first contentful paint";
    private const string HistoryPainted = "history painted";

    /// <summary>Loads of one repetition, of which the median counts: a single one depends on which timer of the browser ticks first.</summary>
    private const int Loads = 5;

    private static readonly DateTimeOffset newest = new(2025, 6, 30, 12, 0, 0, TimeSpan.Zero);
    private static readonly Conditions conditions = new("read only", $"one page at a time, median of {Loads} loads", "browser, queries and store share the machine");

    public static async Task<IReadOnlyList<Result>> RunAsync(BenchRun run, CancellationToken cancellationToken)
    {
        await using var chromium = await Chromium.StartAsync();
        await using var store = await RunningPart.StoreAsync(cancellationToken);
        await FillAsync(run, store.Address, cancellationToken);
        await using var queries = await RunningPart.ServiceAsync(
            "Shop.Queries", new Dictionary<string, string> { ["ConnectionStrings__readdb"] = store.Address }, cancellationToken);
        var loads = run.IsQuick ? 1 : Loads;
        Subject few = Page(Few), many = Page(Many);
        await many.MeasureAsync(cancellationToken);
        await few.MeasureAsync(cancellationToken);

        var series = await run.InterleaveAsync([few, many], cancellationToken);
        return [.. new[] { FirstPaint, FirstContentfulPaint, HistoryPainted }.Select(measure => run.Result(series[many, measure], series[few, measure], Target.AtMostTimes(1.5)))];

        Subject Page(int orders) => new(FormattableString.Invariant($"page of {orders:#,0} orders"), conditions, async _ =>
        {
            var times = new List<double[]>();
            for (var load = 0; load < loads; load++) times.Add(await LoadAsync(chromium.Browser, $"{queries.Address}/?customer=C{orders}"));
            return [.. new[] { FirstPaint, FirstContentfulPaint, HistoryPainted }.Select((measure, index) => new Reading(measure, Statistics.Median([.. times.Select(time => time[index])]), "ms"))];
        });
    }

    /// <summary>In a context of its own: no cache, no connection of before.</summary>
    private static async Task<double[]> LoadAsync(IBrowser browser, string address)
    {
        await using var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = 1360, Height = 900 } });
        var page = await context.NewPageAsync();
        await page.GotoAsync(address);
        await page.WaitForFunctionAsync("() => performance.getEntriesByName('history-shown').length > 0 && performance.getEntriesByName('first-contentful-paint').length > 0");
        return await page.EvaluateAsync<double[]>("['first-paint', 'first-contentful-paint', 'history-shown'].map(name => performance.getEntriesByName(name)[0].startTime)");
    }

    private static async Task FillAsync(BenchRun run, string address, CancellationToken cancellationToken)
    {
        using var client = new MongoClient(address);
        var models = new ReadModels(client.GetDatabase("shop"));
        await ReadModelSetup.CreateAsync(models, cancellationToken);
        foreach (var orders in new[] { Few, Many })
        {
            run.Say($"filling in a customer with {BenchRun.Number(orders)} orders");
            await FillAsync(models, $"C{orders}", orders, cancellationToken);
        }
    }

    /// <summary>An order every 20 minutes, newest first, of one to five lines, and their sums by month.</summary>
    private static async Task FillAsync(ReadModels models, string customer, int count, CancellationToken cancellationToken)
    {
        var generation = models.Generation(1);
        await models.Customers.InsertOneAsync(Documents.Customer(new(customer, "Carla Customer", 1, 1), newest), cancellationToken: cancellationToken);
        foreach (var batch in Enumerable.Range(0, count).Select(index => Order(customer, index)).Chunk(Batch))
            await generation.Orders.InsertManyAsync(batch, new InsertManyOptions { IsOrdered = false }, cancellationToken);
        var months = Enumerable.Range(0, count).Select(index => Order(customer, index)).GroupBy(order => OrderSums.MonthOf(order.OrderDate));
        await generation.CustomerMonths.InsertManyAsync(months.Select(month => new CustomerMonth(
            OrderSums.CustomerMonthId(customer, month.Key), customer, month.LongCount(), month.Sum(order => order.TotalAmount), month.Max(order => order.OrderDate), Guid.CreateVersion7())),
            cancellationToken: cancellationToken);
        var stored = await generation.Orders.CountDocumentsAsync(new BsonDocument("customerId", customer), cancellationToken: cancellationToken);
        if (stored != count) throw new InvalidOperationException($"{customer} has {stored} orders instead of {count}.");
    }

    private static OrderDocument Order(string customer, int index)
    {
        OrderDocumentLine[] lines = [.. Enumerable.Range(0, 1 + (index % 5)).Select(line => new OrderDocumentLine($"P{line}", $"Product number {line}", 1, 1 + line, 10.50m))];
        var at = newest.AddMinutes(-20 * index);
        return new($"{customer}-{index}", 2, customer, "Carla Customer", 1, at, lines.Sum(line => line.Quantity * line.Price),
            OrderStatus.Paid, at.AddMinutes(1), null, null, lines) { ProjectedAt = newest };
    }
}
