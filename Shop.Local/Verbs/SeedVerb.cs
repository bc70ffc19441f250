using System.CommandLine;

namespace Shop.Local.Verbs;

internal static class SeedVerb
{
    public static Command Create() => new("seed", "");
}
