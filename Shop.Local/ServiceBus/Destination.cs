namespace Shop.Local.ServiceBus;

/// <summary>Something messages are sent to: a topic with its subscriptions, or a queue with its one mailbox.</summary>
internal sealed class Destination(string name, ushort id, TimeSpan? defaultTimeToLive)
{
    public string Name { get; } = name;

    public ushort Id { get; } = id;

    public TimeSpan? DefaultTimeToLive { get; } = defaultTimeToLive;

    public List<Mailbox> Mailboxes { get; } = [];

    public long NextSequenceNumber { get; set; } = 1;

    /// <summary>Where its messages are in the log.</summary>
    public LogPlaces Places { get; } = new();

    /// <summary>Whether anybody looks at the sessions of its messages.</summary>
    public bool HasSessions => Mailboxes.Exists(mailbox => mailbox.Properties.RequiresSession);
}
