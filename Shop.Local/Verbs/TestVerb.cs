using System.CommandLine;

namespace Shop.Local.Verbs;

internal static class TestVerb
{
    public static Command Create() => new("test", "");
}
