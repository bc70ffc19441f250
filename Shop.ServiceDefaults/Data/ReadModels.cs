using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Views;

namespace Shop.ServiceDefaults.Data;

/// <summary>The collections of one generation of the read model.</summary>
public sealed class ReadModelGeneration(IMongoDatabase database, int number)
{
    /// <summary>The orders by when they were last written.</summary>
    public const string ChangesIndex = "changes";

    public int Number => number;
    public IMongoCollection<OrderDocument> Orders { get; } = database.GetCollection<OrderDocument>($"orders_v{number}");
    public IMongoCollection<CustomerMonth> CustomerMonths { get; } = database.GetCollection<CustomerMonth>($"customer_months_v{number}");
    public IMongoCollection<ProductDay> ProductDays { get; } = database.GetCollection<ProductDay>($"product_days_v{number}");
    public IMongoCollection<ProductSales> ProductSales { get; } = database.GetCollection<ProductSales>($"product_sales_v{number}");
    public IMongoCollection<DirtyMark> Dirty { get; } = database.GetCollection<DirtyMark>($"dirty_v{number}");

    /// <summary>For good. Collections that are not there are no error.</summary>
    public async Task DropAsync(CancellationToken cancellationToken)
    {
        foreach (var name in new[]
        {
            Orders.CollectionNamespace, CustomerMonths.CollectionNamespace, ProductDays.CollectionNamespace, ProductSales.CollectionNamespace, Dirty.CollectionNamespace,
        }) await database.DropCollectionAsync(name.CollectionName, cancellationToken);
    }
}

/// <summary>Where the read model lives in its database.</summary>
public sealed class ReadModels
{
    public const string StateId = "orders";

    // Asked for with every batch of events, so it is not worked out anew from an expression each time.
    private static readonly BsonDocument state = new("_id", StateId);
    private readonly IMongoDatabase database;
    private volatile ReadModelGeneration[] generations = [];

    public ReadModels(IMongoDatabase database)
    {
        ReadModelBson.Register();
        this.database = database.WithWriteConcern(WriteConcern.WMajority);
        Customers = this.database.GetCollection<CustomerDocument>("customers");
        Products = this.database.GetCollection<ProductDocument>("products");
        // Which generations to write must not be learnt from a secondary that has not heard of the newest one.
        States = this.database.GetCollection<ReadModelState>("read_models")
            .WithReadPreference(ReadPreference.Primary).WithReadConcern(ReadConcern.Majority);
        Rebuilds = this.database.GetCollection<RebuildProgress>("rebuilds")
            .WithReadPreference(ReadPreference.Primary).WithReadConcern(ReadConcern.Majority);
    }

    public IMongoDatabase Database => database;

    /// <summary>Shared by all generations: a name does not depend on how orders are stored.</summary>
    public IMongoCollection<CustomerDocument> Customers { get; }

    /// <inheritdoc cref="Customers"/>
    public IMongoCollection<ProductDocument> Products { get; }

    public IMongoCollection<ReadModelState> States { get; }

    public IMongoCollection<RebuildProgress> Rebuilds { get; }

    public ReadModelGeneration Generation(int number)
    {
        foreach (var generation in generations)
            if (generation.Number == number) return generation;
        var created = new ReadModelGeneration(database, number);
        // A race only loses an object that is cheap to make again.
        generations = [.. generations, created];
        return created;
    }

    /// <summary>Null until a projector has started on this database for the first time.</summary>
    public Task<ReadModelState?> FindStateAsync(CancellationToken cancellationToken) =>
        States.Find(state).FirstOrDefaultAsync(cancellationToken)!;
}
