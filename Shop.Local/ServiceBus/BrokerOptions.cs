namespace Shop.Local.ServiceBus;

/// <summary>How a broker is started. The entities are either <see cref="Entities"/> or those of the file at <see cref="ConfigPath"/>.</summary>
public sealed record BrokerOptions
{
    /// <summary>Where the log lives; null keeps everything in memory and forgets it at the end.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>The TCP port on 127.0.0.1; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>
    /// Whether an acknowledgement waits for the disk (fsync per batch) rather than only for the operating system. A settlement that its
    /// receiver does not wait for reaches the disk with the next thing that somebody waits for.
    /// </summary>
    public bool Fsync { get; init; }

    /// <summary>A Config.json in the format of the official emulator; null takes <see cref="Entities"/>.</summary>
    public string? ConfigPath { get; init; }

    public BrokerEntities Entities { get; init; } = BrokerEntities.Shop;

    /// <summary>The largest message in bytes, as encoded by its sender; at least 1 KB, at most 100 MB.</summary>
    public int MaxMessageSize { get; init; } = 1024 * 1024;

    /// <summary>When set, only tokens signed with this key are accepted on $cbs and links need one; when null every token is accepted.</summary>
    public string? SharedAccessKey { get; init; }

    public string SharedAccessKeyName { get; init; } = "RootManageSharedAccessKey";

    /// <summary>How long a client may take from connecting to its AMQP open.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The size at which a log segment is closed and the next one begun, in bytes.</summary>
    public int SegmentSize { get; init; } = 32 * 1024 * 1024;

    /// <summary>How many bytes of queued message bodies stay in memory; the rest is read back from the log.</summary>
    public long BodyCacheSize { get; init; } = 64 * 1024 * 1024;

    /// <summary>A file of <see cref="FaultSettings"/>, for tests of what depends on the broker; null does everything right.</summary>
    public string? FaultsPath { get; init; }

    /// <summary>Told which faults are in force, at the start and whenever they change.</summary>
    public Action<string>? OnFaults { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>A reason for which the broker cannot start, as one sentence for a person.</summary>
public sealed class BrokerStartException(string message, Exception? inner = null) : Exception(message, inner);
