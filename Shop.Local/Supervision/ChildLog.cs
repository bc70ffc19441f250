using System.Text;

namespace Shop.Local.Supervision;

/// <summary>
/// A child's output in a file that cannot fill the disk: at <see cref="MaximumBytes"/> it becomes <c>NAME.1</c> and a new one begins.
/// The last lines stay in memory, for the sentence that says why a part did not start.
/// </summary>
internal sealed class ChildLog : IDisposable
{
    private const long MaximumBytes = 8 * 1024 * 1024;
    private const int TailLines = 12;
    private const int MaximumTailLineLength = 300;

    private readonly Lock gate = new();
    private readonly Queue<string> tail = new(TailLines);
    private readonly string path;
    private readonly string? awaited;
    private volatile bool isSeen;
    private StreamWriter? writer;

    /// <param name="path">The file.</param>
    /// <param name="awaited">Text to look out for, line by line.</param>
    public ChildLog(string path, string? awaited = null)
    {
        (this.path, this.awaited) = (path, awaited);
        Rotate();
    }

    /// <summary>Lines that are in no file because none could be written.</summary>
    public int Lost { get; private set; }

    /// <summary>A line had the text awaited, however long ago: the tail forgets it after a few more.</summary>
    public bool HasSeenAwaited => isSeen;

    public string Tail
    {
        get
        {
            lock (gate) return string.Join(Environment.NewLine, tail);
        }
    }

    public void Write(string line)
    {
        if (awaited is not null && line.Contains(awaited, StringComparison.Ordinal)) isSeen = true;
        lock (gate)
        {
            if (writer is null) return;
            WriteToFile(line);
            if (tail.Count == TailLines) tail.Dequeue();
            tail.Enqueue(line.Length > MaximumTailLineLength ? line[..MaximumTailLineLength] + "..." : line);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            Close();
        }
    }

    /// <summary>A full disk costs lines of a log, not the runner: this is called where nobody can catch.</summary>
    private void WriteToFile(string line)
    {
        try
        {
            if (writer!.BaseStream.Position > MaximumBytes) Rotate();
            writer.WriteLine(line);
        }
        catch (IOException)
        {
            Lost++;
        }
    }

    private void Close()
    {
        try
        {
            writer?.Dispose();
        }
        catch (IOException)
        {
            Lost++;
        }

        writer = null;
    }

    private void Rotate()
    {
        Close();
        if (new FileInfo(path) is { Exists: true, Length: > 0 }) File.Move(path, path + ".1", overwrite: true);
        writer = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
    }
}
