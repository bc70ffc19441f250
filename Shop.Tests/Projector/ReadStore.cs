using MongoDB.Driver;
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
    private string? server;

    public MongoClient Client { get; private set; } = null!;

    public ValueTask InitializeAsync()
    {
        server = Environment.GetEnvironmentVariable(Variable);
        if (server is null) return ValueTask.CompletedTask;
        Client = new MongoClient(server);
        return ValueTask.CompletedTask;
    }

    /// <summary>A connection string with a database that nobody else uses.</summary>
    public string NewConnectionString()
    {
        if (server is null) Assert.Skip($"No document store: {Variable} is not set.");
        var database = $"test_{Guid.CreateVersion7():N}";
        lock (databases) databases.Add(database);
        return new MongoUrlBuilder(server) { DatabaseName = database }.ToString();
    }

    public ReadModels NewReadModels() => Open(NewConnectionString());

    public ReadModels Open(string connectionString) => new(Client.GetDatabase(new MongoUrl(connectionString).DatabaseName));

    public async ValueTask DisposeAsync()
    {
        foreach (var database in databases) await Client.DropDatabaseAsync(database);
        Client?.Dispose();
    }
}
