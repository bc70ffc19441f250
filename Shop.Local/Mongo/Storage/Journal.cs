using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Shop.Local.Mongo.Storage;

/// <summary>
/// The append-only log in numbered segments. A batch is in the file (safe from a kill) when <see cref="Append"/> returns and on the disk
/// (safe from power loss) after <see cref="Sync"/>, which is shared by all who wait. <c>snapshot-N</c> stands for every segment before N.
/// </summary>
internal sealed class Journal : IDisposable
{
    /// <summary>Commands with more changes than this are written in several frames.</summary>
    public const int MaxBatchBytes = 32 * 1024 * 1024;
    private readonly Lock writing = new();
    private readonly Lock syncing = new();
    private readonly string directory;
    private SafeFileHandle segment;
    private long offset, appended, synced;

    private Journal(string directory, int number, long length)
    {
        this.directory = directory;
        (segment, offset) = Open(number, length);
        Number = number;
    }

    public int Number { get; private set; }

    /// <summary>Up to where it has been written.</summary>
    public long Position => Volatile.Read(ref appended);

    /// <summary>The disk has refused: memory is ahead of the log, and what it says must not be told.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>How often somebody waited for the disk.</summary>
    public long Flushes { get; private set; }

    /// <summary>Bytes written since the last snapshot or start.</summary>
    public long Grown { get; private set; }

    /// <summary>Replays what is there and opens the newest segment for more, its torn end cut.</summary>
    public static Journal Open(string directory, Action<ArraySegment<byte>> apply)
    {
        foreach (var unfinished in Directory.GetFiles(directory, "*.tmp")) File.Delete(unfinished);
        var snapshot = Numbers(directory, "snapshot").DefaultIfEmpty(0).Max();
        var segments = Numbers(directory, "segment").Where(number => number >= snapshot).Order().ToArray();
        if (snapshot > 0) LogFile.Read(PathOf(directory, "snapshot", snapshot), false, apply);
        var (length, grown) = (0L, 0L);
        foreach (var number in segments)
        {
            length = LogFile.Read(PathOf(directory, "segment", number), number == segments[^1], apply);
            grown += length;
        }
        return new Journal(directory, segments.LastOrDefault(Math.Max(snapshot, 1)), length) { Grown = grown };
    }

    /// <returns>The position to pass to <see cref="Sync"/>.</returns>
    /// <exception cref="IOException">The disk refused; from then on nothing is accepted, as memory is ahead of the log.</exception>
    public long Append(ChangeBatch batch)
    {
        lock (writing)
        {
            if (HasFailed) throw new IOException("The log could not be written earlier.");
            var frame = batch.Seal();
            try
            {
                RandomAccess.Write(segment, frame, offset);
            }
            catch (Exception)
            {
                HasFailed = true;
                throw;
            }
            (offset, appended, Grown) = (offset + frame.Length, appended + frame.Length, Grown + frame.Length);
            return appended;
        }
    }

    public void Sync(long position)
    {
        lock (syncing)
        {
            if (synced >= position) return;
            SafeFileHandle current;
            long reached;
            lock (writing) (current, reached) = (segment, appended);
            RandomAccess.FlushToDisk(current);
            Flushes++;
            synced = reached;
        }
    }

    /// <summary>Starts a segment of its own for everything from now on, notes what there is while the catalogue stands still, and returns the number of the snapshot to be written.</summary>
    public int StartSegment(Lock catalog, Action atSwitch)
    {
        lock (syncing)
        {
            SafeFileHandle full;
            long reached;
            lock (catalog)
            {
                lock (writing)
                {
                    (full, reached) = (segment, appended);
                    (segment, offset) = Open(Number + 1, 0);
                    (Number, Grown) = (Number + 1, 0);
                }
                atSwitch();
            }
            // Outside the locks of the writers: a large segment can take seconds to reach the disk.
            RandomAccess.FlushToDisk(full);
            synced = Math.Max(synced, reached);
            full.Dispose();
            return Number;
        }
    }

    /// <summary>Writes a snapshot beside the log and, once it is on the disk, drops what it stands for.</summary>
    public void WriteSnapshot(int number, IEnumerable<ChangeBatch> batches, CancellationToken cancellationToken)
    {
        var final = PathOf(directory, "snapshot", number);
        using (var file = new FileStream(final + ".tmp", FileMode.Create, FileAccess.Write, FileShare.None, 0))
        {
            file.Write(LogFile.Magic);
            foreach (var batch in batches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                file.Write(batch.Seal());
            }
            file.Flush(true);
        }
        File.Move(final + ".tmp", final, true);
        foreach (var kind in (string[])["segment", "snapshot"])
            foreach (var old in Numbers(directory, kind).Where(candidate => candidate < number)) File.Delete(PathOf(directory, kind, old));
    }

    public void Dispose()
    {
        lock (syncing)
            lock (writing)
            {
                if (!segment.IsClosed) RandomAccess.FlushToDisk(segment);
                segment.Dispose();
            }
    }

    private (SafeFileHandle, long) Open(int number, long length)
    {
        var handle = File.OpenHandle(PathOf(directory, "segment", number), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        RandomAccess.SetLength(handle, length);
        if (length > 0) return (handle, length);
        RandomAccess.Write(handle, LogFile.Magic, 0);
        return (handle, LogFile.Magic.Length);
    }

    private static string PathOf(string directory, string kind, int number) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{kind}-{number:D8}"));

    private static IEnumerable<int> Numbers(string directory, string kind) => Directory.GetFiles(directory, $"{kind}-*")
        .Select(path => int.TryParse(Path.GetFileName(path)[(kind.Length + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1)
        .Where(number => number > 0);
}
