namespace Shop.Local.Supervision;

/// <summary>Where the parts of a shop listen: fixed offsets from one base, so that a second shop is one number away.</summary>
/// <param name="Base">1,024 to 65,000.</param>
public sealed record ShopPorts(int Base)
{
    public const int DefaultBase = 5100;

    private const int CommandsOffset = 1, QueriesOffset = 2, ProjectorOffset = 3, BrokerOffset = 4, StoreOffset = 5, PostgresOffset = 6;
    private const int CommandsAdminOffset = 11, ProjectorAdminOffset = 13;

    private static readonly int[] Offsets =
        [CommandsOffset, QueriesOffset, ProjectorOffset, BrokerOffset, StoreOffset, PostgresOffset, CommandsAdminOffset, ProjectorAdminOffset];

    public int Commands => Base + CommandsOffset;
    public int Queries => Base + QueriesOffset;
    public int Projector => Base + ProjectorOffset;
    public int Broker => Base + BrokerOffset;
    public int Store => Base + StoreOffset;
    public int Postgres => Base + PostgresOffset;
    public int CommandsAdmin => Base + CommandsAdminOffset;
    public int ProjectorAdmin => Base + ProjectorAdminOffset;

    public static ShopPorts Free() => new(FreePort.NextBase(Offsets));

    public static string Url(int port) => $"http://127.0.0.1:{port}";
}
