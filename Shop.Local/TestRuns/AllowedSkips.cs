namespace Shop.Local.TestRuns;

/// <summary>The reasons for which a test may be skipped: one per line, how the reason begins, a tab, and why that is fine; <c>#</c> begins a comment.</summary>
internal static class AllowedSkips
{
    public static IReadOnlyList<string> Read(string path) =>
        File.Exists(path)
            ? [.. File.ReadLines(path).Where(line => line.Trim().Length > 0 && !line.StartsWith('#')).Select(line => line.Split('\t')[0].Trim())]
            : [];
}
