using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Summaries;

/// <summary>What a number of marks ask for, each bucket once however many of them name it.</summary>
internal sealed class DirtyBuckets
{
    private readonly List<Guid> marks = [];

    public Dictionary<DateTimeOffset, HashSet<string>> CustomersByMonth { get; } = [];

    public Dictionary<DateTimeOffset, HashSet<string>> ProductsByDay { get; } = [];

    public int Count { get; private set; }

    public bool IsEmpty => marks.Count == 0;

    /// <summary>From the oldest mark on until there are <paramref name="most"/> buckets; <c>IsAll</c> when those were all marks there were.</summary>
    public static async Task<(DirtyBuckets Buckets, bool IsAll)> ReadAsync(ReadModelGeneration generation, int most, CancellationToken cancellationToken)
    {
        var buckets = new DirtyBuckets();
        var options = new FindOptions<DirtyMark> { Sort = new BsonDocument("_id", 1) };
        using var cursor = await generation.Dirty.FindAsync(new BsonDocument(), options, cancellationToken);
        while (await cursor.MoveNextAsync(cancellationToken))
        {
            foreach (var mark in cursor.Current)
            {
                if (buckets.Count >= most) return (buckets, false);
                buckets.Add(mark);
            }
        }

        return (buckets, true);
    }

    /// <summary>The marks that were read and no others: what was marked meanwhile has a mark of its own.</summary>
    public async Task ClearAsync(ReadModelGeneration generation, CancellationToken cancellationToken)
    {
        const int page = 1_000;
        foreach (var ids in marks.Chunk(page))
        {
            var read = new BsonArray(ids.Select(id => new BsonBinaryData(id, GuidRepresentation.Standard)));
            await generation.Dirty.DeleteManyAsync(new BsonDocument("_id", new BsonDocument("$in", read)), cancellationToken);
        }
    }

    private void Add(DirtyMark mark)
    {
        marks.Add(mark.Id);
        Add(CustomersByMonth, mark.Months);
        Add(ProductsByDay, mark.Days);
    }

    private void Add(Dictionary<DateTimeOffset, HashSet<string>> buckets, IReadOnlyList<DirtyPeriod> periods)
    {
        foreach (var period in periods)
        {
            if (!buckets.TryGetValue(period.From, out var keys)) buckets.Add(period.From, keys = []);
            foreach (var key in period.Keys)
                if (keys.Add(key)) Count++;
        }
    }
}
