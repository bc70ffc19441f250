using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Projection;

/// <summary>Creates what the first start on a database must find: the state document and one index per query of the design.</summary>
public static class ReadModelSetup
{
    private const int FirstGeneration = 1;

    public static async Task<ReadModelState> CreateAsync(ReadModels models, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(models);
        var update = Builders<ReadModelState>.Update.SetOnInsert(state => state.Live, FirstGeneration)
            .SetOnInsert(state => state.Writing, [FirstGeneration])
            .SetOnInsert(state => state.Schema, OrderProjection.KnownSchema);
        try
        {
            await models.States.UpdateOneAsync(state => state.Id == ReadModels.StateId, update, new UpdateOptions { IsUpsert = true }, cancellationToken);
        }
        catch (MongoWriteException exception) when (exception.WriteError?.Category == ServerErrorCategory.DuplicateKey)
        {
            // Another projector starts at the same moment and was first: its document says the same.
        }

        var created = await models.FindStateAsync(cancellationToken) ?? throw new MongoException("The read model's state was written but is not there.");
        await models.Customers.Indexes.CreateOneAsync(Index(Builders<CustomerDocument>.IndexKeys.Ascending("search"), SearchKeys.IndexName), cancellationToken: cancellationToken);
        await models.Products.Indexes.CreateOneAsync(Index(Builders<ProductDocument>.IndexKeys.Ascending("search"), SearchKeys.IndexName), cancellationToken: cancellationToken);
        foreach (var number in created.Writing) await CreateIndexesAsync(models.Generation(number), cancellationToken);
        return created;
    }

    public static async Task CreateIndexesAsync(ReadModelGeneration generation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(generation);
        var orders = Builders<OrderDocument>.IndexKeys;
        await generation.Orders.Indexes.CreateManyAsync(
        [
            Index(orders.Ascending("customerId").Descending("orderDate").Ascending("_id"), "history"),
            Index(orders.Ascending("customerId").Ascending("status").Descending("orderDate").Ascending("_id"), "history_by_status"),
            Index(orders.Ascending("customerId").Ascending("customerVersion"), "customer_renames"),
            Index(orders.Ascending("items.productId").Ascending("items.productVersion"), "product_renames"),
            Index(orders.Ascending("orderDate"), "days"),
            Index(orders.Ascending("projectedAt").Ascending("customerId"), ReadModelGeneration.ChangesIndex),
        ], cancellationToken);
        await generation.CustomerMonths.Indexes.CreateOneAsync(
            Index(Builders<CustomerMonth>.IndexKeys.Ascending("customerId"), "customer"), cancellationToken: cancellationToken);
        await generation.ProductDays.Indexes.CreateOneAsync(
            Index(Builders<ProductDay>.IndexKeys.Ascending("productId"), "product"), cancellationToken: cancellationToken);
        await generation.ProductSales.Indexes.CreateOneAsync(
            Index(Builders<ProductSales>.IndexKeys.Descending("unitsSold").Ascending("_id"), "best_sellers"), cancellationToken: cancellationToken);
        await generation.Dirty.Indexes.CreateOneAsync(
            Index(Builders<DirtyMark>.IndexKeys.Ascending("months.keys"), "of_one_customer"), cancellationToken: cancellationToken);
    }

    private static CreateIndexModel<T> Index<T>(IndexKeysDefinition<T> keys, string name) => new(keys, new CreateIndexOptions { Name = name });
}
