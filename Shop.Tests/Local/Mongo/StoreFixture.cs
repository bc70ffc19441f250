using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Local.Mongo;

namespace Shop.Tests.Local.Mongo;

/// <summary>One store in memory and one client for a test class.</summary>
public sealed class StoreFixture : IAsyncLifetime
{
    private StoreServer? server;
    private int collections;

    public StoreServer Server => server!;
    public MongoClient Client { get; private set; } = null!;
    public IMongoDatabase Database { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        server = await StoreServer.StartAsync(new StoreOptions(), CancellationToken.None);
        Client = new MongoClient(server.ConnectionString);
        Database = Client.GetDatabase("shop");
    }

    public IMongoCollection<BsonDocument> NewCollection() => Database.GetCollection<BsonDocument>($"c{Interlocked.Increment(ref collections)}");

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
    }
}
