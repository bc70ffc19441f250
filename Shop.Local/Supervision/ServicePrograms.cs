namespace Shop.Local.Supervision;

/// <summary>Where the services' programs are: built beside the runner, in the same configuration.</summary>
internal static class ServicePrograms
{
    /// <summary>The runtime that runs this process runs the services too.</summary>
    public static string Dotnet =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath!
        : Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root ? Path.Combine(root, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet")
        : "dotnet";

    /// <summary>This program's own assembly, for the parts that are verbs of it.</summary>
    public static string Runner => typeof(ServicePrograms).Assembly.Location;

    /// <exception cref="LocalRunException">It has not been built.</exception>
    public static string Find(string project)
    {
        // .../PROJECT/bin/CONFIGURATION/FRAMEWORK/ for the runner, the tests and the services alike.
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var configuration = framework.Parent?.Name ?? "Release";
        var program = Path.Combine(RepositoryRoot.Find(), project, "bin", configuration, framework.Name, project + ".dll");
        return File.Exists(program) ? program : throw new LocalRunException($"{program} does not exist: build it with dotnet build Shop.sln -c {configuration}.");
    }
}
