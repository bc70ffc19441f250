namespace Shop.Chaos.Faults;

/// <summary>Wall clocks of the services, moved by libfaketime where it is installed.</summary>
internal sealed class Clocks(string directory)
{
    private static readonly string[] places = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];
    private static readonly string? library = places.FirstOrDefault(File.Exists);

    public static string? WhyNot => library is null ? "clocks are moved by libfaketime (package faketime), which is not installed" : null;

    /// <summary>What a service is started with, so that its clock can be moved later; nothing when it cannot.</summary>
    public IReadOnlyDictionary<string, string> Environment(string service)
    {
        if (library is null) return new Dictionary<string, string>();
        Set(service, "0");
        return new Dictionary<string, string>
        {
            ["LD_PRELOAD"] = library,
            ["FAKETIME_TIMESTAMP_FILE"] = FileOf(service),
            ["FAKETIME_CACHE_DURATION"] = "1",
            // Waiting is not to be moved: a wall clock that jumps does not move it either.
            ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
            // Its repair for old C libraries makes every wait of the runtime end at once.
            ["FAKETIME_FORCE_MONOTONIC_FIX"] = "0",
        };
    }

    public async Task<string?> ShiftAsync(string service, string seconds, Func<Task> whileItLastsAsync)
    {
        if (WhyNot is { } why) return why;
        Set(service, seconds);
        await whileItLastsAsync();
        Set(service, "0");
        return null;
    }

    /// <summary>Whether that much of a difference, read from a clock in whole seconds that may be a second old, shows that it was moved.</summary>
    public static bool IsMoved(TimeSpan error, string seconds) => seconds.StartsWith('-') ? error < TimeSpan.FromSeconds(-2) : error > TimeSpan.Zero;

    private void Set(string service, string seconds)
    {
        var file = FileOf(service);
        File.WriteAllText(file + ".new", (seconds.StartsWith('-') ? seconds : "+" + seconds) + "\n");
        File.Move(file + ".new", file, overwrite: true);
    }

    private string FileOf(string service) => Path.Combine(directory, service + ".clock");
}
