namespace Shop.Local.Postgres;

/// <summary>What a PostgreSQL server of our own is started with.</summary>
public sealed record LocalPostgresOptions
{
    /// <summary>The directory that stands for this server; null: one of its own, deleted at the end.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>The loopback port; 0: a free one.</summary>
    public int Port { get; init; }

    /// <summary>The password of the services' role in a server that is initialised now; null: a random one. One that exists keeps its own.</summary>
    public string? Password { get; init; }

    /// <summary>Created when missing.</summary>
    public string Database { get; init; } = "shop";

    /// <summary>False makes commits faster and lets a power cut corrupt the data: for throw-away servers only.</summary>
    public bool Fsync { get; init; } = true;

    /// <summary>Further settings of <c>postgresql.conf</c>; they win over ours.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The server's log; null: next to its data.</summary>
    public string? LogFile { get; init; }
}
