using CsCheck;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Projector.Projection;
using Shop.Projector.Summaries;
using Shop.ServiceDefaults.Data;

namespace Shop.Tests.Projector;

/// <summary>
/// Events are delivered at least once, in any order, to two projectors whose steps interleave in any way and which are killed after any
/// step. In the end the read model is a direct fold of the final states.
/// </summary>
public sealed class ConvergenceTests(ReadStore store) : IClassFixture<ReadStore>
{
    private const int Histories = 80;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Any_delivery_to_two_projectors_with_kills_after_any_step_ends_as_the_fold_of_the_final_states()
    {
        var models = store.NewReadModels();
        await ReadModelSetup.CreateAsync(models, Cancellation);
        var runs = 0;
        await Gen.Int[0, int.MaxValue - 1].SampleAsync(async seed =>
        {
            var history = new History(seed, $"h{Interlocked.Increment(ref runs)}-", decisions: 25);
            await DeliverAsync(models, history, new Random(seed));
            await AssertFoldedAsync(models.Generation(1), history);
            await AssertReferencesAsync(models, history);
            await AssertSummariesAsync(models, history);
        }, iter: Histories, threads: 1);
    }

    [Fact]
    public async Task The_sums_of_very_many_days_are_replaced_in_few_steps()
    {
        const int days = 400;
        var models = store.NewReadModels();
        await ReadModelSetup.CreateAsync(models, Cancellation);
        var first = new DateTimeOffset(2020, 1, 1, 12, 0, 0, TimeSpan.Zero);
        var events = Enumerable.Range(0, days).Select(day => History.Event(new OrderState(
            $"o{day}", 1, "C", "Customer", 1, first.AddDays(day), 21m, OrderStatus.Pending, [new("P", "Product", 1, 2, 10.5m)])));
        await foreach (var _ in new OrderProjection(models, TimeProvider.System).ApplyAsync(new ProjectionBatch([.. events]), Cancellation)) { }

        List<int> steps = [];
        await foreach (var buckets in SummaryRecomputation.StepsAsync(models.Generation(1), SummaryRecomputation.Page, Cancellation)) steps.Add(buckets);

        // 400 days are 14 months: one step for these, two for the days, one for the product's total.
        Assert.Equal([14, 200, 200, 1], steps);
        var total = await models.Generation(1).ProductSales.Find(sales => sales.Id == "P").SingleAsync(Cancellation);
        Assert.Equal((2L * days, 21m * days), (total.UnitsSold, total.Revenue));
    }

    private static async Task DeliverAsync(ReadModels models, History history, Random random)
    {
        var projection = new OrderProjection(models, TimeProvider.System);
        // At least once: a third comes twice.
        List<IncomingEvent> queue = [.. history.Events, .. history.Events.Where(_ => random.Next(3) == 0)];
        var kills = 6;
        var projectors = new Work?[2];
        var sweeps = new IAsyncEnumerator<int>?[2];
        while (queue.Count > 0 || projectors.Any(work => work is not null))
        {
            var which = random.Next(projectors.Length);
            if (random.Next(4) == 0) await SweepOnAsync(models, sweeps, random);
            if (projectors[which] is not { } work)
            {
                if (queue.Count > 0) projectors[which] = Start(projection, Take(queue, random));
                continue;
            }

            if (kills > 0 && random.Next(12) == 0)
            {
                kills--;
                // Killed: nothing was settled, so all of it is delivered again, in other company.
                queue.AddRange(work.Messages);
            }
            else if (await work.Steps.MoveNextAsync())
            {
                continue;
            }

            await work.Steps.DisposeAsync();
            projectors[which] = null;
        }

        // What is still at work sees its marks, or was killed and left them.
        foreach (var sweep in sweeps)
        {
            if (sweep is null) continue;
            while (random.Next(5) > 0 && await sweep.MoveNextAsync()) { }
            await sweep.DisposeAsync();
        }

        await SummaryRecomputation.SweepAsync(models.Generation(1), Cancellation);
    }

    /// <summary>Two sweeps as well, one write at a time, each killed now and then.</summary>
    private static async Task SweepOnAsync(ReadModels models, IAsyncEnumerator<int>?[] sweeps, Random random)
    {
        var which = random.Next(sweeps.Length);
        var sweep = sweeps[which] ??= SummaryRecomputation.StepsAsync(models.Generation(1), page: 1, Cancellation).GetAsyncEnumerator(Cancellation);
        if (random.Next(8) > 0 && await sweep.MoveNextAsync()) return;
        await sweep.DisposeAsync();
        sweeps[which] = null;
    }

    private static Work Start(OrderProjection projection, IReadOnlyList<IncomingEvent> messages) =>
        new(messages, projection.ApplyAsync(new ProjectionBatch(messages), Cancellation).GetAsyncEnumerator(Cancellation));

    private static List<IncomingEvent> Take(List<IncomingEvent> queue, Random random)
    {
        List<IncomingEvent> taken = [];
        for (var left = random.Next(1, 8); left > 0 && queue.Count > 0; left--)
        {
            var index = random.Next(queue.Count);
            taken.Add(queue[index]);
            queue.RemoveAt(index);
        }

        return taken;
    }

    private static async Task AssertFoldedAsync(ReadModelGeneration generation, History history)
    {
        var ids = history.Orders.Keys.ToHashSet();
        var stored = await generation.Orders.Find(order => ids.Contains(order.Id)).ToListAsync(Cancellation);
        Assert.Equal(ids.Count, stored.Count);
        foreach (var document in stored)
        {
            var expected = Documents.Order(history.Folded(history.Orders[document.Id]), document.ProjectedAt);
            Assert.Equal(expected with { Items = document.Items }, document);
            Assert.Equal(expected.Items, document.Items);
        }
    }

    private static async Task AssertReferencesAsync(ReadModels models, History history)
    {
        foreach (var id in history.CustomerIds)
        {
            var stored = await models.Customers.Find(customer => customer.Id == id).SingleAsync(Cancellation);
            var expected = Documents.Customer(history.Customer(id), stored.ProjectedAt);
            Assert.Equal(expected.Search, stored.Search);
            Assert.Equal(expected with { Search = stored.Search }, stored);
        }

        foreach (var id in history.ProductIds)
        {
            var stored = await models.Products.Find(product => product.Id == id).SingleAsync(Cancellation);
            var expected = Documents.Product(history.Product(id), stored.ProjectedAt);
            Assert.Equal(expected.Search, stored.Search);
            Assert.Equal(expected with { Search = stored.Search }, stored);
        }
    }

    private static async Task AssertSummariesAsync(ReadModels models, History history)
    {
        var generation = models.Generation(1);
        var counted = history.Orders.Values.Where(order => order.Status != OrderStatus.Cancelled).ToArray();
        foreach (var id in history.CustomerIds)
        {
            var months = await generation.CustomerMonths.Find(month => month.CustomerId == id).ToListAsync(Cancellation);
            var own = counted.Where(order => order.CustomerId == id).ToArray();
            Assert.Equal(own.Length, months.Sum(month => month.Orders));
            Assert.Equal(own.Sum(order => order.TotalAmount), months.Sum(month => month.TotalSpent));
            Assert.Equal(own.Select(order => (DateTimeOffset?)order.OrderDate).Max(), months.Max(month => month.LastOrder));
        }

        foreach (var id in history.ProductIds)
        {
            var sales = await generation.ProductSales.Find(product => product.Id == id).SingleOrDefaultAsync(Cancellation);
            var lines = counted.SelectMany(order => order.Items).Where(line => line.ProductId == id).ToArray();
            Assert.Equal(lines.Sum(line => line.Quantity), sales?.UnitsSold ?? 0);
            Assert.Equal(lines.Sum(line => line.Quantity * line.Price), sales?.Revenue ?? 0);
        }

        Assert.Equal(0, await generation.Dirty.CountDocumentsAsync(new BsonDocument(), cancellationToken: Cancellation));
    }

    private sealed record Work(IReadOnlyList<IncomingEvent> Messages, IAsyncEnumerator<ProjectionStep> Steps);
}
