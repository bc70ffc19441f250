using System.Collections.Concurrent;

namespace Shop.Local.Mongo.Storage;

/// <summary>
/// All collections, and their log when they are kept on disk. Locks are taken in this order: the catalog's (for names and indexes), one
/// collection's, the journal's. A change is in the log before its collection's lock is released, so nobody reads what a kill would take back.
/// </summary>
internal sealed class Catalog : IDisposable
{
    private const long SmallestGrowth = 64L << 20;
    private readonly ConcurrentDictionary<string, Collection> collections = new(StringComparer.Ordinal);
    private readonly FileStream? directoryLock;
    private readonly Journal? journal;
    private int lastId;
    /// <exception cref="DataDirectoryException">The directory is in use, damaged or not accessible.</exception>
    public Catalog(string? dataDirectory)
    {
        if (dataDirectory is null) return;
        try
        {
            Directory.CreateDirectory(dataDirectory);
            directoryLock = LockDirectory(dataDirectory);
            var replay = new Replay();
            journal = Journal.Open(dataDirectory, replay.Apply);
            foreach (var collection in replay.Finish()) collections[collection.Namespace] = collection;
            lastId = replay.LastId;
        }
        catch (UnauthorizedAccessException refused)
        {
            throw new DataDirectoryException($"The data directory {dataDirectory} is not accessible: {refused.Message}", refused);
        }
        catch (DataDirectoryException)
        {
            directoryLock?.Dispose();
            throw;
        }
    }

    public Lock Gate { get; } = new();
    public bool HasFailed => journal is { HasFailed: true };
    public IEnumerable<Collection> Collections => collections.Values;
    /// <summary>Bytes of log beyond which a snapshot saves space and starting time.</summary>
    public bool IsCompactionDue => journal is not null && journal.Grown > Math.Max(SmallestGrowth, 2 * collections.Values.Sum(collection => collection.DataBytes));
    public Collection? Find(string name) => collections.GetValueOrDefault(name);
    public Collection FindOrCreate(string name) => Find(name) ?? Create(name, false);

    public Collection Create(string name, bool mustBeNew)
    {
        lock (Gate)
        {
            if (Find(name) is { } existing)
                return mustBeNew ? throw MongoRefusal.NamespaceExists($"Collection {name} already exists.") : existing;
            Namespaces.Check(name);
            var collection = new Collection(++lastId, name, Guid.CreateVersion7());
            Commit(new ChangeBatch().Create(collection));
            return collections[name] = collection;
        }
    }

    public void Drop(Collection collection)
    {
        lock (Gate)
            lock (collection.Gate)
            {
                if (collection.Dropped) return;
                Commit(new ChangeBatch().Drop(collection.Id));
                collection.Dropped = true;
                collections.TryRemove(collection.Namespace, out _);
            }
    }

    public void Rename(string from, string to, bool dropTarget)
    {
        lock (Gate)
        {
            var source = Find(from) ?? throw MongoRefusal.NamespaceNotFound($"Source collection {from} does not exist");
            Namespaces.Check(to);
            if (from == to) throw MongoRefusal.IllegalOperation("Can't rename a collection to itself");
            if (Find(to) is { } target) Drop(dropTarget ? target : throw MongoRefusal.NamespaceExists("target namespace exists"));
            lock (source.Gate)
            {
                Commit(new ChangeBatch().Rename(source.Id, to));
                collections.TryRemove(from, out _);
                source.Namespace = to;
                collections[to] = source;
            }
        }
    }

    /// <summary>
    /// Changes a collection, which is created or left alone when it is not there, under its lock. What changed is in the log before anybody
    /// can read it, and on the disk before this returns when it is to be journaled.
    /// </summary>
    public void Write(string name, bool creates, bool journaled, Action<Collection> change)
    {
        while ((creates ? FindOrCreate(name) : Find(name)) is { } collection)
        {
            var position = 0L;
            lock (collection.Gate)
            {
                // Dropped between finding and locking it, which is as if it had never been there.
                if (collection.Dropped) continue;
                try
                {
                    change(collection);
                }
                finally
                {
                    // Also when no answer can be made of it: memory must never be ahead of the log.
                    position = Commit(collection.Pending);
                }
            }
            if (journaled) Sync(position);
            return;
        }
    }

    /// <summary>Called under the lock of the collection that changed.</summary>
    public long Commit(ChangeBatch batch)
    {
        if (journal is null) return 0;
        // Nothing new, but a part of it may have been written before.
        if (batch.IsEmpty) return journal.Position;
        var position = journal.Append(batch);
        batch.Clear();
        return position;
    }

    public void Sync(long position) => journal?.Sync(position);

    /// <summary>
    /// Writes all that lives into a snapshot, a few records per lock, while writers go on into a new segment. Replaying that segment over
    /// the snapshot gives the present state because every change says what is, not what was done.
    /// </summary>
    public void Compact(CancellationToken cancellationToken)
    {
        if (journal is null) return;
        var heads = new List<(Collection Collection, ChangeBatch Head)>();
        var number = journal.StartSegment(Gate, () =>
        {
            foreach (var collection in collections.Values)
            {
                var head = new ChangeBatch().Create(collection);
                foreach (var index in collection.Indexes.Skip(1)) head.CreateIndex(collection.Id, index.Definition);
                heads.Add((collection, head));
            }
        });
        journal.WriteSnapshot(number, heads.SelectMany(entry => entry.Collection.Contents().Prepend(entry.Head)), cancellationToken);
    }

    public void Dispose()
    {
        journal?.Dispose();
        directoryLock?.Dispose();
    }

    private static FileStream LockDirectory(string directory)
    {
        try
        {
            return new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException held)
        {
            throw new DataDirectoryException($"The data directory {directory} is in use by another store.", held);
        }
    }
}
