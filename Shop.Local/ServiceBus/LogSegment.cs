using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Shop.Local.ServiceBus;

/// <summary>One file of the log.</summary>
internal sealed class LogSegment(int number, string path, SafeFileHandle handle) : IDisposable
{
    public const string Extension = ".log";

    public int Number { get; } = number;

    public string Path { get; } = path;

    public SafeFileHandle Handle { get; } = handle;

    public long Length { get; set; }

    /// <summary>How many messages and session states live in it that somebody still wants.</summary>
    public int Live { get; set; }

    public static LogSegment Create(string directory, int number)
    {
        var path = System.IO.Path.Combine(directory, number.ToString("D12", CultureInfo.InvariantCulture) + Extension);
        return new LogSegment(number, path, File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read));
    }

    public static LogSegment Open(string path)
    {
        var number = int.Parse(System.IO.Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture);
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        return new LogSegment(number, path, handle) { Length = RandomAccess.GetLength(handle) };
    }

    public void Delete()
    {
        Dispose();
        File.Delete(Path);
    }

    public void Dispose() => Handle.Dispose();
}
