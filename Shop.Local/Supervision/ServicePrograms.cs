using System.Runtime.InteropServices;

namespace Shop.Local.Supervision;

/// <summary>Where the services' programs are: built beside the runner, in the same configuration.</summary>
internal static class ServicePrograms
{
    /// <summary>The host of the runtime that runs this process: it runs the services too.</summary>
    public static string Dotnet { get; } = FindHost();

    /// <summary>This program, for the parts that are verbs of it. Not the copy beside the tests: that lacks what the tests take from ASP.NET's framework.</summary>
    public static string Runner => Find("Shop.Local");

    /// <exception cref="LocalRunException">It has not been built.</exception>
    public static string Find(string project, string? configuration = null)
    {
        // .../PROJECT/bin/CONFIGURATION/FRAMEWORK/ for the runner, the tests and the services alike.
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        configuration ??= framework.Parent?.Name ?? "Release";
        var program = Path.Combine(RepositoryRoot.Find(), project, "bin", configuration, framework.Name, project + ".dll");
        return File.Exists(program) ? program : throw new LocalRunException($"{program} does not exist: build it with dotnet build Shop.sln -c {configuration}.");
    }

    private static string FindHost()
    {
        // .../dotnet/shared/Microsoft.NETCore.App/VERSION/
        var host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        return File.Exists(host) ? host : "dotnet";
    }
}
