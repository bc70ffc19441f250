using MongoDB.Bson;
using MongoDB.Driver;
#if SEEDED_BUGS
using Shop.ServiceDefaults.Reliability;
#endif

namespace Shop.Projector.Projection;

/// <summary>Replace if newer, for many documents in one unordered bulk write.</summary>
public static class GuardedWrites
{
    /// <summary>
    /// Writes every document whose stored version is lower, or that is not stored yet. Answers the indexes (and why) of those that the
    /// store refused for what they are; every other failure is the store's own and is thrown.
    /// </summary>
    public static async Task<IReadOnlyList<(int Index, string Why)>> ReplaceIfNewerAsync<T>(
        IMongoCollection<T> collection, IReadOnlyList<(string Id, int Version, T Document)> documents, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(collection);
        ArgumentNullException.ThrowIfNull(documents);
        if (documents.Count == 0) return [];
        int[] all = [.. Enumerable.Range(0, documents.Count)];
        var failures = await WriteAsync(collection, documents, all, upsert: true, cancellationToken);
        if (failures.Count == 0) return [];

        // 11000: another projector inserted the document between this upsert's search and its insertion, perhaps in a lower version.
        // Without upsert, "matched none" is certain to mean that something at least as new is there.
        int[] raced = [.. failures.Where(failure => failure.Category == ServerErrorCategory.DuplicateKey).Select(failure => failure.Index)];
        var suspects = failures.Where(failure => failure.Category != ServerErrorCategory.DuplicateKey).Select(failure => failure.Index).ToList();
        if (raced.Length > 0)
        {
            var again = await WriteAsync(collection, documents, raced, upsert: false, cancellationToken);
            suspects.AddRange(again.Select(failure => failure.Index));
        }

        return await ConfirmAsync(collection, documents, suspects, cancellationToken);
    }

    /// <summary>A document is refused for what it is only if a store that is well refuses it again when it comes alone.</summary>
    private static async Task<IReadOnlyList<(int Index, string Why)>> ConfirmAsync<T>(
        IMongoCollection<T> collection, IReadOnlyList<(string Id, int Version, T Document)> documents, List<int> suspects, CancellationToken cancellationToken)
    {
        List<(int, string)> refused = [];
        foreach (var suspect in suspects)
        {
            await collection.Database.RunCommandAsync<BsonDocument>(new BsonDocument("ping", 1), cancellationToken: cancellationToken);
            var failures = await WriteAsync(collection, documents, [suspect], upsert: true, cancellationToken);
            if (failures is [{ Category: ServerErrorCategory.DuplicateKey }])
                failures = await WriteAsync(collection, documents, [suspect], upsert: false, cancellationToken);
            if (failures is [var failure]) refused.Add((suspect, $"{failure.Code}: {failure.Message}"));
        }

        return refused;
    }

    private static async Task<List<Failure>> WriteAsync<T>(
        IMongoCollection<T> collection, IReadOnlyList<(string Id, int Version, T Document)> documents, int[] which, bool upsert, CancellationToken cancellationToken)
    {
        var writes = new ReplaceOneModel<T>[which.Length];
        for (var i = 0; i < which.Length; i++)
        {
            var (id, version, document) = documents[which[i]];
            var older = new BsonDocument { { "_id", id }, { "version", new BsonDocument("$lt", version) } };
#if SEEDED_BUGS
            if (SeededBug.IsOn(SeededBug.NoVersionGuard)) older.Remove("version");
#endif
            writes[i] = new(older, document) { IsUpsert = upsert };
        }

        try
        {
            await collection.BulkWriteAsync(writes, Unordered, cancellationToken);
            return [];
        }
        catch (MongoBulkWriteException<T> exception) when (exception.WriteConcernError is null && !exception.WriteErrors.Any(StoreFaults.IsTransient))
        {
            return [.. exception.WriteErrors.Select(error => new Failure(which[error.Index], error.Category, error.Code, error.Message))];
        }
    }

    internal static readonly BulkWriteOptions Unordered = new() { IsOrdered = false };

    private readonly record struct Failure(int Index, ServerErrorCategory Category, int Code, string Message);
}
