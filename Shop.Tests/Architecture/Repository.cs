using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Shop.Tests.Architecture;

/// <summary>The files of this repository.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The C# files below a folder, without build output.</summary>
    public static IReadOnlyList<string> SourceFiles(string folder) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)),
    ];

    /// <summary>The names of the projects that a project references.</summary>
    public static IReadOnlyList<string> ProjectReferences(string project) =>
    [
        .. XDocument.Load(Path.Combine(Root, project, $"{project}.csproj")).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)),
    ];

    public static IReadOnlyList<string> PackageReferences(string project) =>
    [
        .. XDocument.Load(Path.Combine(Root, project, $"{project}.csproj")).Descendants("PackageReference")
            .Select(reference => reference.Attribute("Include")!.Value),
    ];

    private static string FindRoot([CallerFilePath] string thisFile = "")
    {
        var directory = new DirectoryInfo(Path.GetDirectoryName(thisFile)!);
        while (!File.Exists(Path.Combine(directory.FullName, "Shop.sln"))) directory = directory.Parent ?? throw new DirectoryNotFoundException("Shop.sln");
        return directory.FullName;
    }
}
