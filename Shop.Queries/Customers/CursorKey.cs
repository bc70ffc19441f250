using System.Security.Cryptography;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Customers;

/// <summary>
/// The key that seals cursors: <c>Shop:CursorKey</c> (base64, at least 16 bytes), else a random one that the first instance leaves in the
/// database, so that a cursor of one instance is good at every other and after a restart.
/// </summary>
internal sealed class CursorKey(IConfiguration configuration, ReadModels models)
{
    public const string Setting = "Shop:CursorKey";
    private const string DocumentId = "cursor-key";
    private const int Size = 32;
    private const int MinimumSize = 16;
    private volatile byte[]? key = FromConfiguration(configuration);

    public async ValueTask<byte[]> GetAsync(CancellationToken cancellationToken) => key ??= await FromDatabaseAsync(cancellationToken);

    private static byte[]? FromConfiguration(IConfiguration configuration)
    {
        if (configuration[Setting] is not { Length: > 0 } text) return null;
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && length >= MinimumSize
            ? bytes[..length]
            : throw new InvalidOperationException($"{Setting} must be base64 of at least {MinimumSize} bytes.");
    }

    private async Task<byte[]> FromDatabaseAsync(CancellationToken cancellationToken)
    {
        var settings = models.Database.GetCollection<BsonDocument>("query_settings");
        var filter = new BsonDocument("_id", DocumentId);
        var proposal = new BsonDocument("$setOnInsert", new BsonDocument("key", new BsonBinaryData(RandomNumberGenerator.GetBytes(Size))));
        try
        {
            await settings.UpdateOneAsync(filter, proposal, new UpdateOptions { IsUpsert = true }, cancellationToken);
        }
        catch (MongoWriteException exception) when (exception.WriteError?.Category == ServerErrorCategory.DuplicateKey)
        {
            // Another instance proposes at the same moment: whichever is stored is everyone's.
        }

        return (await settings.Find(filter).SingleAsync(cancellationToken))["key"].AsByteArray;
    }
}
