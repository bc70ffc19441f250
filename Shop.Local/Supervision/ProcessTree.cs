using System.Globalization;

namespace Shop.Local.Supervision;

/// <summary>Which processes descend from which, and what they have used; Linux.</summary>
internal static class ProcessTree
{
    /// <summary>The kernel counts processor time for programs in hundredths of a second, whatever the clock of the machine (USER_HZ).</summary>
    private const double TicksPerSecond = 100;

    // Where they stand behind the name in /proc/PID/stat; see proc(5).
    private const int Parent = 1, UserTime = 11, ChildrensSystemTime = 14;

    /// <summary>The process and everything that descends from it, parents first.</summary>
    public static List<int> Of(int root)
    {
        var children = new Dictionary<int, List<int>>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || Numbers(id) is not { } numbers) continue;
            if (!children.TryGetValue((int)numbers[Parent], out var list)) children.Add((int)numbers[Parent], list = []);
            list.Add(id);
        }

        List<int> tree = [root];
        for (var index = 0; index < tree.Count; index++)
        {
            if (children.TryGetValue(tree[index], out var own)) tree.AddRange(own);
        }

        return tree;
    }

    /// <summary>Processor time, in seconds, of the process and of everything that descends from it, also of what has ended.</summary>
    public static double ProcessorSeconds(int root) =>
        Of(root).Sum(id => Numbers(id) is { } numbers ? numbers[UserTime..(ChildrensSystemTime + 1)].Sum() / TicksPerSecond : 0);

    /// <summary>True also of a process that has ended and still has its number, because its parent has not asked for its exit code.</summary>
    public static bool HasEnded(int processId) => Status(processId) is not { } status || status[(status.LastIndexOf(')') + 2)] is 'Z' or 'X';

    /// <summary>What stands in its status behind the name, the state as 0; null when it has ended.</summary>
    private static long[]? Numbers(int processId) => Status(processId) is not { } status ? null
        : Array.ConvertAll(status[(status.LastIndexOf(')') + 2)..].Split(' ')[..(ChildrensSystemTime + 1)], text =>
            long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : 0);

    /// <summary>"pid (name) state ppid ...": a name may contain anything, so what counts is behind its last bracket.</summary>
    private static string? Status(int processId)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile.
            return null;
        }
    }
}
