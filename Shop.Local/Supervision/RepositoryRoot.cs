namespace Shop.Local.Supervision;

internal static class RepositoryRoot
{
    /// <summary>The nearest directory above the runner that has the solution; else the current one.</summary>
    public static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Shop.sln"))) return directory.FullName;
        }

        return Directory.GetCurrentDirectory();
    }
}
