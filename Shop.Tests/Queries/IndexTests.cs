using MongoDB.Bson;
using Shop.Contracts.Views;
using Shop.Projector.Projection;
using Shop.Queries.Customers;
using Shop.ServiceDefaults.Data;
using Shop.Tests.Projector;

namespace Shop.Tests.Queries;

/// <summary>Every query of the read side over the orders is answered from an index, says the store's own <c>explain</c>.</summary>
public sealed class IndexTests(ReadStore store) : IClassFixture<ReadStore>
{
    private static readonly DateTimeOffset day = new(2023, 10, 27, 0, 0, 0, TimeSpan.Zero);
    private static readonly BsonDocument newestFirst = new() { { "orderDate", -1 }, { "_id", 1 } };

    public static TheoryData<string?, bool, bool, bool> EveryCombination
    {
        get
        {
            var data = new TheoryData<string?, bool, bool, bool>();
            foreach (var status in new[] { null, "Paid" })
                foreach (var bits in Enumerable.Range(0, 8)) data.Add(status, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0);
            return data;
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(EveryCombination))]
    public async Task Every_combination_of_history_filters_uses_an_index_and_sorts_nothing(string? status, bool from, bool to, bool cursor)
    {
        var generation = await FilledAsync();
        var filter = new HistoryFilter("C1", status, from ? day : null, to ? day.AddDays(9) : null);
        var query = GetOrderHistory.Query(generation, filter, cursor ? new HistoryCursor(day.AddDays(3), "O1") : null);
        var rendered = query.Filter.Render(new(generation.Orders.DocumentSerializer, generation.Orders.Settings.SerializerRegistry));
        var plan = await ExplainAsync(generation, rendered, newestFirst);
        Assert.Contains(status is null ? "\"history\"" : "\"history_by_status\"", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("\"SORT\"", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sums_renames_and_live_updates_use_an_index()
    {
        var generation = await FilledAsync();
        Assert.Contains("history", await ExplainAsync(generation, OrderSums.OrdersOfMonth("C1", day), null), StringComparison.Ordinal);
        Assert.Contains("history", await ExplainAsync(generation, OrderSums.OrdersOfMonth(new BsonDocument("$in", new BsonArray { "C1", "C2" }), day), null), StringComparison.Ordinal);
        Assert.Contains("\"days\"", await ExplainAsync(generation, OrderSums.OrdersBetween(day, day.AddDays(1)), null), StringComparison.Ordinal);
        Assert.Contains("customer_renames", await ExplainAsync(generation, NameRepair.OrdersWithOlderCustomerName("C1", 2), null), StringComparison.Ordinal);
        Assert.Contains("product_renames", await ExplainAsync(generation, NameRepair.OrdersWithOlderProductName("P1", 2), null), StringComparison.Ordinal);
        Assert.Contains("\"changes\"", await ExplainAsync(generation, LiveOrders.Changed(["C1", "C2"], day), null, ReadModelGeneration.ChangesIndex), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Summing_several_customers_of_a_month_looks_at_the_orders_of_that_month_alone()
    {
        var generation = await FilledAsync();
        var explain = new BsonDocument
        {
            { "explain", new BsonDocument { { "find", generation.Orders.CollectionNamespace.CollectionName }, { "filter", OrderSums.OrdersOfMonth(new BsonDocument("$in", new BsonArray { "C1", "C2", "C3" }), OrderSums.MonthOf(day)) } } },
            { "verbosity", "executionStats" },
        };
        var stats = (await generation.Orders.Database.RunCommandAsync<BsonDocument>(explain, cancellationToken: Cancellation))["executionStats"];
        // Five days of October, of which these customers have one each, where they have ten orders each in all.
        Assert.Equal(3, stats["totalDocsExamined"].ToInt32());
    }

    private async Task<ReadModelGeneration> FilledAsync()
    {
        var models = store.NewReadModels();
        await ReadModelSetup.CreateAsync(models, Cancellation);
        var generation = models.Generation(1);
        await generation.Orders.InsertManyAsync(Enumerable.Range(0, 50).Select(i => new OrderDocument(
            $"O{i}", 1, $"C{i % 5}", "Name", 1, day.AddDays(i), 1m, i % 2 == 0 ? "Paid" : "Pending", null, null, null,
            [new($"P{i % 3}", "Name", 1, 1, 1m)]) { ProjectedAt = day }), cancellationToken: Cancellation);
        return generation;
    }

    private static async Task<string> ExplainAsync(ReadModelGeneration generation, BsonDocument filter, BsonDocument? sort, string? hint = null)
    {
        var find = new BsonDocument { { "find", generation.Orders.CollectionNamespace.CollectionName }, { "filter", filter } };
        if (sort is not null) find.Add("sort", sort);
        if (hint is not null) find.Add("hint", hint);
        var answer = await generation.Orders.Database.RunCommandAsync<BsonDocument>(
            new BsonDocument { { "explain", find }, { "verbosity", "queryPlanner" } }, cancellationToken: Cancellation);
        var plan = answer["queryPlanner"]["winningPlan"].ToJson();
        Assert.Contains("\"IXSCAN\"", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("\"COLLSCAN\"", plan, StringComparison.Ordinal);
        return plan;
    }
}
