namespace Shop.Chaos.Schedule;

/// <summary>The parts of the shop under test, by name, and which of them talk to which.</summary>
internal static class Topology
{
    public const string Postgres = "postgres", Broker = "broker", Store = "store";

    public static readonly string[] Commands = ["commands-1", "commands-2"];
    public static readonly string[] Projectors = ["projector-1", "projector-2"];
    public static readonly string[] Queries = ["queries-1", "queries-2"];

    public static readonly string[] Services = [.. Commands, .. Projectors, .. Queries];
    public static readonly string[] Parts = [Postgres, Broker, Store, .. Services];

    /// <summary>A proxy of the harness stands between each of them: the caller, and what it calls.</summary>
    public static readonly (string From, string To)[] Pairs =
    [
        .. Commands.SelectMany(from => new[] { (from, Postgres), (from, Broker) }),
        .. Projectors.SelectMany(from => new[] { (from, Broker), (from, Store), (from, Commands[0]) }),
        .. Queries.Select(from => (from, Store)),
        .. Commands.Concat(Queries).Select(to => ("clients", to)),
    ];

    public static string Pair(string from, string to) => $"{from}>{to}";
}
