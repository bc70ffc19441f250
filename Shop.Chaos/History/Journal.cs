using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Shop.Chaos.History;

/// <summary>Everything that was called and done, in memory for the checks and on disk (NDJSON) for a person.</summary>
internal sealed class Journal : IDisposable
{
    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly long began;
    private readonly FileStream file;
    private long last;

    public Journal(string path, TimeProvider time)
    {
        this.time = time;
        began = time.GetTimestamp();
        file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 256 * 1024);
    }

    public List<CommandAttempt> Commands { get; } = [];

    public List<Read> Reads { get; } = [];

    public List<InjectedFault> Faults { get; } = [];

    /// <summary>Seconds since the beginning.</summary>
    public double Now => time.GetElapsedTime(began).TotalSeconds;

    public void Add(CommandAttempt attempt)
    {
        lock (gate) Commands.Add(Write(attempt with { Seq = ++last }, HistoryJson.Default.CommandAttempt));
    }

    public void Add(Read read)
    {
        lock (gate) Reads.Add(Write(read with { Seq = ++last }, HistoryJson.Default.Read));
    }

    public void Add(InjectedFault fault)
    {
        lock (gate) Faults.Add(Write(fault with { Seq = ++last }, HistoryJson.Default.InjectedFault));
    }

    /// <summary>A copy that nothing is added to any more.</summary>
    public RecordedHistory Copy()
    {
        lock (gate)
        {
            file.Flush();
            return new([.. Commands], [.. Reads], [.. Faults]);
        }
    }

    public void Dispose() => file.Dispose();

    private T Write<T>(T record, JsonTypeInfo<T> json)
    {
        file.Write(Encoding.UTF8.GetBytes($"{{\"{typeof(T).Name}\":"));
        file.Write(JsonSerializer.SerializeToUtf8Bytes(record, json));
        file.Write("}\n"u8);
        return record;
    }
}

/// <summary>What the checks look at.</summary>
internal sealed record RecordedHistory(IReadOnlyList<CommandAttempt> Commands, IReadOnlyList<Read> Reads, IReadOnlyList<InjectedFault> Faults);
