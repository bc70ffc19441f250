using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;

namespace Shop.Tests.Projector;

public sealed class RacingUpsertTests(ReadStore store) : IClassFixture<ReadStore>
{
    private static readonly OrderState order = new("O1", 5, "C1", "Alice Smith", 1, new(2023, 10, 27, 10, 0, 0, TimeSpan.Zero), 21m, OrderStatus.Pending,
        [new("P1", "Widget", 1, 2, 10.50m)]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(3, 5)]
    [InlineData(9, 9)]
    public async Task An_upsert_that_lost_the_race_to_insert_still_leaves_the_highest_version(int theirs, int expected)
    {
        var connection = store.NewConnectionString();
        var direct = store.Open(connection);
        await ReadModelSetup.CreateAsync(direct, Cancellation);
        await using var racing = new RacingStore(connection, () => direct.Generation(1).Orders.InsertOneAsync(
            Documents.Order(order with { Version = theirs }, order.OrderDate), cancellationToken: Cancellation));
        using var client = new MongoClient(racing.ConnectionString);
        var models = new ReadModels(client.GetDatabase(new MongoUrl(connection).DatabaseName));

        var batch = new ProjectionBatch([History.Event(order)]);
        await foreach (var _ in new OrderProjection(models, TimeProvider.System).ApplyAsync(batch, Cancellation)) { }
        Assert.Equal(1, racing.Races);
        Assert.Empty(batch.Poison);
        Assert.Equal(expected, (await direct.Generation(1).Orders.Find(document => document.Id == "O1").SingleAsync(Cancellation)).Version);
    }
}
