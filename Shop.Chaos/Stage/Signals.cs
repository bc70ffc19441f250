using System.Globalization;
using System.Runtime.InteropServices;

namespace Shop.Chaos.Stage;

/// <summary>Signals to processes, and who is whose child; Linux.</summary>
internal static class Signals
{
    private const int Kill9 = 9, Continue = 18, Stop = 19;

    public static void Kill(int processId) => _ = Send(processId, Kill9);

    public static void Freeze(int processId) => _ = Send(processId, Stop);

    public static void Thaw(int processId) => _ = Send(processId, Continue);

    /// <summary>The process and everything that descends from it, parents first.</summary>
    public static List<int> Tree(int root)
    {
        var children = new Dictionary<int, List<int>>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || ParentOf(id) is not { } parent) continue;
            if (!children.TryGetValue(parent, out var list)) children.Add(parent, list = []);
            list.Add(id);
        }

        List<int> tree = [root];
        for (var index = 0; index < tree.Count; index++)
        {
            if (children.TryGetValue(tree[index], out var own)) tree.AddRange(own);
        }

        return tree;
    }

    private static int? ParentOf(int processId)
    {
        try
        {
            // "pid (name) state ppid ...": a name may contain anything, so what counts is behind its last bracket.
            var status = File.ReadAllText($"/proc/{processId}/stat");
            return int.Parse(status[(status.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile.
            return null;
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Send(int processId, int signal);
}
