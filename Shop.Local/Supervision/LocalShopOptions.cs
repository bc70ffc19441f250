namespace Shop.Local.Supervision;

/// <summary>Which shop is started.</summary>
public sealed record LocalShopOptions
{
    /// <summary>What is kept between runs; null: <c>.shop</c> in the repository, or with <see cref="Ephemeral"/> a directory of its own.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Everything is deleted at the end.</summary>
    public bool Ephemeral { get; init; }

    /// <summary>See <see cref="ShopPorts"/>; 0: a free one.</summary>
    public int PortBase { get; init; } = ShopPorts.DefaultBase;

    /// <summary>Connection string of a real PostgreSQL to use instead of a local server.</summary>
    public string? Postgres { get; init; }

    /// <summary>Connection string of a real Service Bus (or RabbitMQ) to use instead of the local broker.</summary>
    public string? ServiceBus { get; init; }

    /// <summary>Connection string of a real MongoDB, with the database, to use instead of the local store.</summary>
    public string? Mongo { get; init; }

    /// <summary>False makes the local PostgreSQL faster and a power cut dangerous; for throw-away shops.</summary>
    public bool Fsync { get; init; } = true;

    /// <summary>Further environment of the three services, such as a setting under test.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}
