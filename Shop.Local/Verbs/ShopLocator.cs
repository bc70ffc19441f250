using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>A shop that runs now, as its directory describes it.</summary>
/// <param name="Directory">Its data directory.</param>
/// <param name="State">What it says about itself.</param>
internal sealed record RunningShop(string Directory, ShopState State)
{
    public ShopPorts Ports => new(State.PortBase);

    public string CommandsAdminUrl => ShopPorts.Url(Ports.CommandsAdmin);

    public string ProjectorAdminUrl => ShopPorts.Url(Ports.ProjectorAdmin);

    public string AdminKey => ShopDirectory.ReadAdminKey(Directory);
}

internal static class ShopLocator
{
    /// <summary>The shop on that directory, else on that port base, else the one of the repository.</summary>
    /// <exception cref="LocalRunException">None runs there.</exception>
    public static RunningShop Find(string? dataDirectory, int? portBase)
    {
        var path = dataDirectory is not null ? Path.GetFullPath(dataDirectory)
            : portBase is { } given ? RunningShops.Find(given)
            : Default();
        if (path is not null && ReadRunning(path) is { } found && (portBase is null || found.State.PortBase == portBase)) return found;
        var where = (dataDirectory, portBase) switch
        {
            (null, null) => "",
            (null, { } ports) => $" on port base {ports}",
            ({ } data, null) => $" on {data}",
            ({ } data, { } ports) => $" on {data} with port base {ports}",
        };
        throw new LocalRunException($"No shop is running{where}: start one with ./shop up.");
    }

    /// <summary>Null when no runner holds the directory.</summary>
    public static RunningShop? ReadRunning(string path) =>
        ShopDirectory.ReadState(path) is { } state && ShopDirectory.IsHeld(path) ? new RunningShop(path, state) : null;

    private static string? Default()
    {
        var own = Path.Combine(RepositoryRoot.Find(), ".shop");
        return ReadRunning(own) is not null ? own : RunningShops.Find(ShopPorts.DefaultBase);
    }
}
