using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Shop.Local.Postgres;

/// <summary>An installed PostgreSQL server.</summary>
/// <param name="Directory">Where <c>postgres</c> and <c>initdb</c> are.</param>
/// <param name="MajorVersion">15 or later.</param>
public sealed partial record PostgresBinaries(string Directory, int MajorVersion)
{
    public const int MinimumVersion = 15;

    public string Postgres => Executable(Directory, "postgres");

    public string Initdb => Executable(Directory, "initdb");

    /// <summary>The newest installed server of at least <see cref="MinimumVersion"/>, or null.</summary>
    public static PostgresBinaries? Find() =>
        Candidates()
            .Where(directory => File.Exists(Executable(directory, "postgres")) && File.Exists(Executable(directory, "initdb")))
            .Distinct()
            .Select(directory => new PostgresBinaries(directory, ReadMajorVersion(Executable(directory, "postgres"))))
            .Where(found => found.MajorVersion >= MinimumVersion)
            .MaxBy(found => found.MajorVersion);

    private static IEnumerable<string> Candidates()
    {
        IEnumerable<string> path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> usual = OperatingSystem.IsWindows()
            ? Versions(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PostgreSQL"), "*")
            : OperatingSystem.IsMacOS()
                ? [.. Versions("/opt/homebrew/opt", "postgresql*"), .. Versions("/usr/local/opt", "postgresql*"), .. Versions("/Library/PostgreSQL", "*"),
                    .. Versions("/Applications/Postgres.app/Contents/Versions", "*")]
                : [.. Versions("/usr/lib/postgresql", "*"), .. Versions("/usr", "pgsql-*")];
        return [.. path, .. usual];
    }

    private static IEnumerable<string> Versions(string parent, string pattern) =>
        System.IO.Directory.Exists(parent)
            ? System.IO.Directory.EnumerateDirectories(parent, pattern).Select(directory => Path.Combine(directory, "bin"))
            : [];

    private static string Executable(string directory, string name) =>
        Path.Combine(directory, OperatingSystem.IsWindows() ? name + ".exe" : name);

    private static int ReadMajorVersion(string postgres)
    {
        var start = new ProcessStartInfo(postgres, ["--version"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var match = FirstNumber().Match(process.StandardOutput.ReadToEnd());
            process.WaitForExit();
            return match.Success ? int.Parse(match.Value, CultureInfo.InvariantCulture) : 0;
        }
        catch (Win32Exception)
        {
            // Not executable for us: as good as absent.
            return 0;
        }
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex FirstNumber();
}
