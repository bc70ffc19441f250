using System.Globalization;
using System.Net;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Administration;
using Shop.Contracts.Commands;
using Shop.Contracts.Views;
using Shop.Local;
using Shop.Local.Administration;
using Shop.Local.ServiceBus;
using Shop.ServiceDefaults.Data;
using Shop.Tests.Commands;

namespace Shop.Tests.Projector.Rebuild;

/// <summary>The write side, the bus, the projector and the stores, with what <c>./shop rebuild</c> asks of them.</summary>
public sealed class RebuildTests(ReadStore store, PostgresFixture postgres) : IClassFixture<ReadStore>, IAsyncLifetime
{
    private BrokerServer broker = null!;
    private CommandsHost commands = null!;
    private ServiceHost projector = null!;
    private ReadModels models = null!;
    private ProjectorAdministration administration = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        broker = await BrokerServer.StartAsync(new BrokerOptions(), CancellationToken.None);
        commands = await CommandsHost.StartAsync(await postgres.CreateDatabaseAsync(CancellationToken.None), broker.ConnectionString, CancellationToken.None);
        var database = store.NewConnectionString();
        models = store.Open(database);
        projector = await ServiceHost.StartAdministeredProjectorAsync(database, broker.ConnectionString, CancellationToken.None,
            $"--services:commands:admin:0={commands.Administration.BaseAddress!.ToString().TrimEnd('/')}", "--Shop:Rebuild:SettleTime=00:00:00.5", "--Shop:Rebuild:PageSize=3");
        administration = new ProjectorAdministration(projector.AdministrationUrl, ServiceHost.AdminKey);
        await FillAsync();
    }

    public async ValueTask DisposeAsync()
    {
        administration.Dispose();
        await projector.DisposeAsync();
        await commands.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task A_rebuilt_generation_equals_the_write_side_goes_live_and_can_be_rolled_back_and_retired()
    {
        var rebuilt = await RebuildAsync();
        Assert.Equal(RebuildPhase.Live, rebuilt.Rebuild!.Phase);
        Assert.Equal((2, "1,2"), (rebuilt.Live, string.Join(',', rebuilt.Writing)));
        Assert.True(rebuilt.Rebuild.Report!.IsEqual());
        Assert.Equal(10, await CountAsync(2));

        // Both are written, so going back and forth loses nothing.
        await commands.DoAsync(new PlaceOrder("later", "C1", [new("P1", 1, 10.50m)]), Cancellation);
        await Eventually.TrueAsync(async () => await CountAsync(1) == 11 && await CountAsync(2) == 11, "both generations have the new order", Cancellation);
        Assert.Equal(1, (await administration.RebuildAsync("/rollback", Cancellation)).Live);
        Assert.Contains("nothing to roll back", (await Assert.ThrowsAsync<LocalRunException>(() => administration.RebuildAsync("/rollback", Cancellation))).Message, StringComparison.Ordinal);
        Assert.Contains("retire it first", (await Assert.ThrowsAsync<LocalRunException>(() => administration.RebuildAsync("", Cancellation))).Message, StringComparison.Ordinal);
        Assert.True((await VerifyAsync()).IsEqual());

        var retired = await administration.RebuildAsync("/retire", Cancellation);
        Assert.Equal((1, "1"), (retired.Live, string.Join(',', retired.Writing)));
        Assert.Equal(0, await CountAsync(2));
        // A number is never used again: an old projector may still write into what was dropped.
        Assert.Equal(3, (await RebuildAsync()).Live);
        Assert.Equal(11, await CountAsync(3));
    }

    [Fact]
    public async Task A_rebuild_that_finds_a_difference_leaves_the_old_generation_live()
    {
        await models.Customers.InsertOneAsync(new("ghost", 1, "Ghost", 1, default), cancellationToken: Cancellation);
        var found = await RebuildAsync();
        Assert.Equal((RebuildPhase.Different, 1), (found.Rebuild!.Phase, found.Live));
        Assert.Equal(("extra", "customer", "ghost"), Single(found.Rebuild.Report!));

        await models.Customers.DeleteOneAsync(customer => customer.Id == "ghost", Cancellation);
        var again = await RebuildAsync();
        Assert.Equal((RebuildPhase.Live, 2), (again.Rebuild!.Phase, again.Live));
    }

    [Fact]
    public async Task A_rebuild_that_was_given_up_leaves_nothing_behind()
    {
        await administration.RebuildAsync("", Cancellation);
        var retired = await administration.RebuildAsync("/retire", Cancellation);
        if (retired.Live == 1) Assert.Equal(0, await CountAsync(2));
        Assert.Equal(retired.Live, Assert.Single(retired.Writing));
        Assert.Equal(RebuildPhase.Retired, retired.Rebuild!.Phase);
        Assert.True((await VerifyAsync()).IsEqual());
    }

    [Fact]
    public async Task A_verification_finds_a_planted_difference_of_each_kind_and_nothing_else()
    {
        var verb = new RebuildRun(administration, TimeProvider.System);
        Assert.Equal(0, await verb.VerifyAsync(Cancellation));
        await PlantAsync();
        Assert.Equal(1, await verb.VerifyAsync(Cancellation));
        var found = (await VerifyAsync()).Differences.Select(difference => (difference.Verdict, difference.What, difference.Id)).Order();
        Assert.Equal(
            [
                ("different", "customer", "C1"), ("different", "customer-summary", "C1"), ("different", "order", "O4"), ("different", "order", "O6"),
                ("different", "product", "P1"), ("different", "product-sales", "P2"),
                ("extra", "customer", "ghost"), ("extra", "customer-summary", "phantom"), ("extra", "order", "ghost"), ("extra", "product", "ghost"),
                ("extra", "product-sales", "phantom"), ("missing", "customer", "C3"), ("missing", "customer-summary", "C2"), ("missing", "order", "O8"),
                ("missing", "product-sales", "P1"),
            ], found);
    }

    [Fact]
    public async Task The_snapshot_answers_pages_in_the_events_form_to_those_who_have_the_key()
    {
        using var first = await commands.Administration.GetAsync("/snapshot/orders?limit=4", Cancellation);
        var lines = (await first.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("""{"orderId":"O0","version":""", lines[0], StringComparison.Ordinal);
        Assert.Contains("\"customerName\":\"Alice Jones\"", lines[0], StringComparison.Ordinal);
        Assert.Equal("O3", first.Headers.GetValues("X-Next").Single());
        using var last = await commands.Administration.GetAsync("/snapshot/orders?limit=100&after=O3", Cancellation);
        Assert.Equal(6, (await last.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.False(last.Headers.Contains("X-Next"));
        foreach (var malformed in new[] { "/snapshot/orders?limit=1001", "/snapshot/orders?after=not%20an%20id" })
        {
            using var refused = await commands.Administration.GetAsync(malformed, Cancellation);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }

        using var stranger = new HttpClient { BaseAddress = commands.Administration.BaseAddress };
        using var unauthorized = await stranger.GetAsync("/snapshot/orders", Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, unauthorized.StatusCode);
        using var publicPort = await commands.Http.GetAsync("/snapshot/orders", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, publicPort.StatusCode);
    }

    /// <summary>Ten orders, a rename after some of them, a payment, a cancellation; all projected and summed.</summary>
    private async Task FillAsync()
    {
        await commands.DoAsync(new RegisterCustomer("C1", "Alice Smith"), Cancellation);
        await commands.DoAsync(new RegisterCustomer("C2", "Bob"), Cancellation);
        await commands.DoAsync(new RegisterCustomer("C3", "Carol"), Cancellation);
        await commands.DoAsync(new AddProduct("P1", "Widget", 10.50m), Cancellation);
        await commands.DoAsync(new AddProduct("P2", "Gadget", 25.00m), Cancellation);
        for (var i = 0; i < 10; i++)
        {
            await commands.DoAsync(new PlaceOrder(string.Create(CultureInfo.InvariantCulture, $"O{i}"), i % 2 == 0 ? "C1" : "C2", [new("P1", 2, 10.50m), new("P2", 1, 25.00m)]), Cancellation);
            if (i == 5) await commands.DoAsync(new RenameCustomer("C1", "Alice Jones"), Cancellation);
        }

        await commands.DoAsync(new PayOrder("O2"), Cancellation);
        await commands.DoAsync(new CancelOrder("O3"), Cancellation);
        await commands.DoAsync(new CancelOrder("O8"), Cancellation);
        await Eventually.TrueAsync(
            async () => await models.Generation(1).Orders.CountDocumentsAsync(order => order.Status == "Cancelled", cancellationToken: Cancellation) == 2
                && await models.Generation(1).Dirty.CountDocumentsAsync(new BsonDocument(), cancellationToken: Cancellation) == 0, "everything is projected and summed", Cancellation);
        await Eventually.TrueAsync(async () => await VerifyAsync() is { Unsettled: 0 } report && report.IsEqual(), "the read model equals the write side", Cancellation);
    }

    /// <summary>What no event has ever said. The order that goes missing is cancelled, so that no summary misses it.</summary>
    private async Task PlantAsync()
    {
        var generation = models.Generation(1);
        var order = await generation.Orders.Find(document => document.Id == "O8").SingleAsync(Cancellation);
        await generation.Orders.DeleteOneAsync(document => document.Id == "O8", Cancellation);
        await generation.Orders.InsertOneAsync(order with { Id = "ghost" }, cancellationToken: Cancellation);
        await generation.Orders.UpdateOneAsync(document => document.Id == "O4", Set("customerName", "Mallory"), cancellationToken: Cancellation);
        await generation.Orders.UpdateOneAsync(document => document.Id == "O6", Set("items.1.productName", "Fake"), cancellationToken: Cancellation);
        await models.Customers.UpdateOneAsync(customer => customer.Id == "C1", Set("name", "Mallory"), cancellationToken: Cancellation);
        await models.Customers.DeleteOneAsync(customer => customer.Id == "C3", Cancellation);
        await models.Customers.InsertOneAsync(new("ghost", 1, "Ghost", 1, default), cancellationToken: Cancellation);
        await models.Products.UpdateOneAsync(product => product.Id == "P1", Set("price", new BsonDecimal128(1m)), cancellationToken: Cancellation);
        await models.Products.InsertOneAsync(new("ghost", 1, "Ghost", 1, 1m, false, default), cancellationToken: Cancellation);
        await generation.CustomerMonths.UpdateManyAsync(month => month.CustomerId == "C1", new BsonDocument("$inc", new BsonDocument("orders", 1L)), cancellationToken: Cancellation);
        await generation.CustomerMonths.DeleteManyAsync(month => month.CustomerId == "C2", Cancellation);
        await generation.CustomerMonths.InsertOneAsync(new("phantom/2023-10", "phantom", 1, 1m, null, Guid.CreateVersion7()), cancellationToken: Cancellation);
        await generation.ProductSales.UpdateOneAsync(product => product.Id == "P2", new BsonDocument("$inc", new BsonDocument("unitsSold", -1L)), cancellationToken: Cancellation);
        await generation.ProductSales.DeleteOneAsync(product => product.Id == "P1", Cancellation);
        await generation.ProductSales.InsertOneAsync(new("phantom", 1, 1m, Guid.CreateVersion7()), cancellationToken: Cancellation);
    }

    private static BsonDocument Set(string field, BsonValue value) => new("$set", new BsonDocument(field, value));

    private async Task<RebuildStatus> RebuildAsync()
    {
        var status = await administration.RebuildAsync("", Cancellation);
        await Eventually.TrueAsync(async () =>
        {
            status = await administration.RebuildStatusAsync(Cancellation);
            return !RebuildPhase.IsRunning(status.Rebuild!.Phase);
        }, "the rebuild ends", Cancellation);
        return status;
    }

    private async Task<ComparisonReport> VerifyAsync()
    {
        ComparisonReport? report = null;
        await foreach (var line in administration.VerifyAsync(Cancellation)) report = line.Report ?? report;
        return report!;
    }

    private Task<long> CountAsync(int generation) => models.Generation(generation).Orders.CountDocumentsAsync(new BsonDocument(), cancellationToken: Cancellation);

    private static (string, string, string) Single(ComparisonReport report)
    {
        var difference = Assert.Single(report.Differences);
        return (difference.Verdict, difference.What, difference.Id);
    }
}
