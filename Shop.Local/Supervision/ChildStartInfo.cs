using System.Diagnostics;

namespace Shop.Local.Supervision;

/// <summary>
/// Puts a child into a session of its own (<c>setsid</c>: Ctrl-C must reach the runner alone, which stops its parts in order), ties its life to
/// the runner's (<c>setpriv --pdeathsig</c>) and changes the user. Both programs replace themselves, so the process id is the child's.
/// </summary>
internal static class ChildStartInfo
{
    /// <summary>A child sees these of the runner's environment and no others: what a part must not know it cannot leak.</summary>
    private static readonly string[] Inherited =
    [
        "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TMP", "TEMP", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "SYSTEMROOT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PATHEXT",
    ];

    private static readonly string[] InheritedPrefixes = ["DOTNET_", "OTEL_"];
    private static readonly string[] ToolDirectories = ["/usr/bin", "/bin"];
    private static readonly string? Setsid = FindTool("setsid");
    private static readonly string? Setpriv = FindTool("setpriv");

    public static bool CanChangeUser => Setpriv is not null;

    public static ProcessStartInfo For(ChildCommand command)
    {
        string[] line = [.. Prefix(command), command.FileName, .. command.Arguments];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            WorkingDirectory = command.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => !IsInherited(name)).ToList()) start.Environment.Remove(name);
        foreach (var (name, value) in command.Environment) start.Environment[name] = value;
        return start;
    }

    private static IEnumerable<string> Prefix(ChildCommand command)
    {
        if (!OperatingSystem.IsLinux()) return [];
        var changesUser = command.User is not null && Posix.IsRoot;
        if (changesUser && Setpriv is null)
            throw new LocalRunException($"Started as root, {command.FileName} has to run as {command.User}, which needs setpriv: install the package util-linux.");
        IEnumerable<string> setsid = Setsid is null ? [] : [Setsid];
        if (Setpriv is null) return setsid;
        IEnumerable<string> user = changesUser ? ["--reuid", command.User!, "--regid", command.User!, "--init-groups"] : [];
        return [.. setsid, Setpriv, "--pdeathsig", command.StopSignal == Signal.Interrupt ? "INT" : "TERM", .. user, "--"];
    }

    private static bool IsInherited(string name) =>
        Inherited.Contains(name, StringComparer.OrdinalIgnoreCase)
        || InheritedPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    private static string? FindTool(string name) =>
        OperatingSystem.IsLinux()
            ? ToolDirectories.Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists)
            : null;
}
