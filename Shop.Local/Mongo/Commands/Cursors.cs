using System.Collections.Concurrent;

namespace Shop.Local.Mongo.Commands;

/// <summary>Results that are fetched piece by piece. Idle ones are dropped after MongoDB's ten minutes.</summary>
internal sealed class Cursors(TimeProvider time)
{
    private const int MaxOpen = 10_000;
    private const int MaxBatchBytes = 16 * 1024 * 1024;
    private const int FirstBatch = 101;
    private static readonly TimeSpan IdleLimit = TimeSpan.FromMinutes(10);
    private readonly ConcurrentDictionary<long, Cursor> open = new();
    private long lastId;

    public BsonDocument Start(string name, IEnumerable<byte[]> documents, long? batchSize, bool singleBatch)
    {
        var cursor = new Cursor(name, documents.GetEnumerator());
        var batch = cursor.Take(batchSize ?? FirstBatch, MaxBatchBytes);
        if (cursor.IsExhausted || singleBatch)
        {
            cursor.Dispose();
            return Reply(name, 0, "firstBatch", batch);
        }
        DropIdle();
        if (open.Count >= MaxOpen) throw MongoRefusal.NotSupported($"more than {MaxOpen} open cursors");
        var id = Interlocked.Increment(ref lastId);
        cursor.LastUsed = time.GetTimestamp();
        open[id] = cursor;
        return Reply(name, id, "firstBatch", batch);
    }

    public BsonDocument More(long id, string name, long? batchSize)
    {
        if (!open.TryGetValue(id, out var cursor) || cursor.Namespace != name)
            throw new MongoRefusal(43, "CursorNotFound", $"cursor id {id} not found");
        lock (cursor)
        {
            List<byte[]> batch;
            try
            {
                batch = cursor.Take(batchSize ?? long.MaxValue, MaxBatchBytes);
            }
            catch (MongoRefusal)
            {
                Kill(id);
                throw;
            }
            cursor.LastUsed = time.GetTimestamp();
            if (cursor.IsExhausted) Kill(id);
            return Reply(name, cursor.IsExhausted ? 0 : id, "nextBatch", batch);
        }
    }

    public bool Kill(long id)
    {
        if (!open.TryRemove(id, out var cursor)) return false;
        lock (cursor) cursor.Dispose();
        return true;
    }

    /// <summary>Stored documents go out as the bytes they are.</summary>
    private static BsonDocument Reply(string name, long id, string field, List<byte[]> batch) =>
        new("cursor", new BsonDocument { { field, new BsonArray(batch.Select(bytes => new RawBsonDocument(bytes))) }, { "id", id }, { "ns", name } });

    private void DropIdle()
    {
        foreach (var (id, cursor) in open) if (time.GetElapsedTime(cursor.LastUsed) > IdleLimit) Kill(id);
    }

    private sealed class Cursor(string name, IEnumerator<byte[]> documents) : IDisposable
    {
        private byte[]? ahead;
        private bool started;

        public string Namespace { get; } = name;
        public long LastUsed { get; set; }
        public bool IsExhausted => started && ahead is null;

        /// <summary>Looks one document ahead, so that the last batch says it is the last; a batch of none looks at nothing.</summary>
        public List<byte[]> Take(long count, int bytes)
        {
            var batch = new List<byte[]>();
            if (count == 0) return batch;
            if (!started) Advance();
            for (long size = 0; ahead is not null && batch.Count < count && (batch.Count == 0 || size + ahead.Length <= bytes); Advance())
            {
                size += ahead.Length;
                batch.Add(ahead);
            }
            return batch;
        }

        public void Dispose() => documents.Dispose();

        private void Advance() => (started, ahead) = (true, documents.MoveNext() ? documents.Current : null);
    }
}
