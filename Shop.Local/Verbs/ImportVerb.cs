using System.CommandLine;

namespace Shop.Local.Verbs;

internal static class ImportVerb
{
    public static Command Create() => new("import", "");
}
