using System.Globalization;

namespace Shop.Local.Supervision;

/// <summary>Which directory the shop on a port base has: a small file per shop in the user's own application data, so that a verb finds it by its ports.</summary>
internal static class RunningShops
{
    private static string Registry => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } home ? home : Path.GetTempPath(),
        "shop", "running");

    public static void Add(int portBase, string dataDirectory)
    {
        try
        {
            Directory.CreateDirectory(Registry);
            File.WriteAllText(FileOf(portBase), dataDirectory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A user without a home of its own: the shop runs, and is found by its directory alone.
        }
    }

    public static void Remove(int portBase, string dataDirectory)
    {
        if (Find(portBase) == dataDirectory) File.Delete(FileOf(portBase));
    }

    public static string? Find(int portBase)
    {
        try
        {
            return File.Exists(FileOf(portBase)) ? File.ReadAllText(FileOf(portBase)).Trim() : null;
        }
        catch (FileNotFoundException)
        {
            // Stopped between the question and the answer.
            return null;
        }
    }

    private static string FileOf(int portBase) => Path.Combine(Registry, portBase.ToString(CultureInfo.InvariantCulture));
}
