namespace Shop.Local.Supervision;

/// <summary>
/// Runtime settings for children that live for seconds. Much of the processor time of such a process goes into compiling: methods are compiled a second
/// and a third time once they have been called 30 times, and few of them run long enough to earn that back.
/// </summary>
internal static class ShortLivedProcesses
{
    /// <summary>Hexadecimal, as the runtime reads it: 1,024 calls.</summary>
    private const string CallsBeforeOptimising = "400";

    /// <summary>For every process that this one starts from now on, unless somebody has said otherwise.</summary>
    public static void Expect()
    {
        SetDefault("DOTNET_TieredPGO", "0");
        SetDefault("DOTNET_TC_CallCountThreshold", CallsBeforeOptimising);
    }

    private static void SetDefault(string name, string value)
    {
        if (Environment.GetEnvironmentVariable(name) is null) Environment.SetEnvironmentVariable(name, value);
    }
}
