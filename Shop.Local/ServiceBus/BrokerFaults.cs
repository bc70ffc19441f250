using System.Text.Json;
using System.Text.Json.Serialization;

namespace Shop.Local.ServiceBus;

/// <summary>What the broker does wrong on purpose; the defaults are nothing.</summary>
internal sealed record FaultSettings
{
    /// <summary>The share (0 to 1) of messages that are stored twice, as after a sender that did not hear the first answer.</summary>
    public double Duplicate { get; init; }

    /// <summary>Least and most milliseconds for which a message is kept from receivers; the order stays.</summary>
    public int[] DelayMs { get; init; } = [0, 0];

    /// <summary>The share of messages that others overtake.</summary>
    public double Reorder { get; init; }

    /// <summary>The share of acknowledgements, of messages and of settlements alike, that are never sent although the work was done.</summary>
    public double WithholdAck { get; init; }

    /// <summary>The same seed makes the same choices for the same sequence of requests.</summary>
    public int Seed { get; init; }

    [JsonIgnore]
    public bool AreNone => Duplicate == 0 && DelayMs[1] == 0 && Reorder == 0 && WithholdAck == 0;

    [JsonIgnore]
    public bool AreValid => IsShare(Duplicate) && IsShare(Reorder) && IsShare(WithholdAck) && DelayMs is [>= 0, <= 600_000] and var delay && delay[0] <= delay[1];

    private static bool IsShare(double value) => value is >= 0 and <= 1;
}

/// <summary>
/// Faults by a control file, which is read again when it changes, so that whoever tests a system can break its broker while it runs. Without
/// a file nothing here does anything. Belongs to the engine's thread.
/// </summary>
internal sealed class BrokerFaults
{
    private const int ShortestDetour = 20;
    private static readonly TimeSpan ReadInterval = TimeSpan.FromMilliseconds(100);
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };
    private readonly string? path;
    private readonly Action<string> say;
    private FaultSettings settings = new();
    private Random random = new(0);
    private string? content;
    private string? lastError;
    private DateTime nextRead;
    private DateTime lastVisible;

    /// <exception cref="BrokerStartException">The file is not there or is no such file.</exception>
    public BrokerFaults(string? path, Action<string>? say)
    {
        (this.path, this.say) = (path, say ?? (_ => { }));
        if (path is not null && Read() is { } error) throw new BrokerStartException($"The faults '{path}' cannot be used: {error}");
    }

    public void Refresh(DateTime now)
    {
        if (path is null || now < nextRead) return;
        nextRead = now + ReadInterval;
        // Half-written, most likely: what was said before stays until the file is whole.
        var error = Read();
        if (error is not null && error != lastError) say($"The faults '{path}' were not read again: {error}");
        lastError = error;
    }

    public bool Duplicates() => Happens(settings.Duplicate);

    public bool WithholdsAcknowledgement() => Happens(settings.WithholdAck);

    /// <summary>When a message may be received: its own time, unless it is to be late.</summary>
    public DateTime VisibleAt(DateTime now, DateTime scheduledFor)
    {
        if (settings.AreNone || scheduledFor > now) return scheduledFor;
        var due = now.AddMilliseconds(random.Next(settings.DelayMs[0], settings.DelayMs[1] + 1));
        if (Happens(settings.Reorder)) return due.AddMilliseconds(random.Next(1, Math.Max(ShortestDetour, settings.DelayMs[1]) + 1));
        return lastVisible = due > lastVisible ? due : lastVisible;
    }

    private bool Happens(double share) => share > 0 && random.NextDouble() < share;

    private string? Read()
    {
        try
        {
            var text = File.ReadAllText(path!);
            if (text == content) return null;
            var read = JsonSerializer.Deserialize<FaultSettings>(text, Format);
            if (read is not { AreValid: true }) return "shares are from 0 to 1, delayMs is [least, most] and at most ten minutes.";
            (content, settings, random) = (text, read, new Random(read.Seed));
            say($"Faults: {JsonSerializer.Serialize(settings, Format)}");
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return error.Message;
        }
    }
}
