using MongoDB.Driver;
using Shop.Local.Mongo;
using Shop.ServiceDefaults.Data;

namespace Shop.Tests.Projector;

/// <summary>
/// A document store for the tests of one class: the local one in memory, or the server that <c>SHOP_TEST_READDB</c> names (a real
/// MongoDB, say). Every caller gets a database of its own.
/// </summary>
public sealed class ReadStore : IAsyncLifetime
{
    private const string Variable = "SHOP_TEST_READDB";
    private readonly List<string> databases = [];
    private StoreServer? local;
    private string server = "";

    public MongoClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given)
        {
            server = given;
        }
        else
        {
            local = await StoreServer.StartAsync(new StoreOptions { DataDirectory = null, Port = 0 }, CancellationToken.None);
            server = local.ConnectionString;
        }

        Client = new MongoClient(server);
    }

    /// <summary>A connection string with a database that nobody else uses.</summary>
    public string NewConnectionString()
    {
        var database = $"test_{Guid.CreateVersion7():N}";
        lock (databases) databases.Add(database);
        return new MongoUrlBuilder(server) { DatabaseName = database }.ToString();
    }

    public ReadModels NewReadModels() => Open(NewConnectionString());

    public ReadModels Open(string connectionString) => new(Client.GetDatabase(new MongoUrl(connectionString).DatabaseName));

    public async ValueTask DisposeAsync()
    {
        foreach (var database in databases) await Client.DropDatabaseAsync(database);
        Client.Dispose();
        if (local is not null) await local.DisposeAsync();
    }
}
