using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MongoDB.Driver;

namespace Shop.ServiceDefaults.Data;

public static class ReadModelsExtensions
{
    public const string ConnectionName = "readdb";
    private const string DefaultDatabase = "shop";

    // The driver's own 30 s would make a caller wait that long to be told that the store is away.
    private static readonly TimeSpan storeTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Registers <see cref="ReadModels"/> over <c>ConnectionStrings:readdb</c>; the database is <c>shop</c> unless it names another.</summary>
    public static void AddReadModels(this IHostApplicationBuilder builder, Action<MongoDBSettings>? configureSettings = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddMongoDBClient(ConnectionName, configureSettings, client =>
        {
            client.ServerSelectionTimeout = storeTimeout;
            client.ConnectTimeout = storeTimeout;
        });
        builder.Services.AddSingleton(services => new ReadModels(
            services.GetService<IMongoDatabase>() ?? services.GetRequiredService<IMongoClient>().GetDatabase(DefaultDatabase)));
    }
}
