using System.Runtime.CompilerServices;
using Shop.Local.Supervision;

namespace Shop.Tests;

internal static class ShortLivedChildren
{
    [ModuleInitializer]
    internal static void Expect() => ShortLivedProcesses.Expect();
}
