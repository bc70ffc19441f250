namespace Shop.Local.ServiceBus;

/// <summary>A subscription's correlation filter: every value that is given must equal the message's.</summary>
public sealed record CorrelationFilter
{
    public string? CorrelationId { get; init; }

    public string? MessageId { get; init; }

    public string? To { get; init; }

    public string? ReplyTo { get; init; }

    /// <summary>The message's subject.</summary>
    public string? Label { get; init; }

    public string? SessionId { get; init; }

    public string? ReplyToSessionId { get; init; }

    public string? ContentType { get; init; }

    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    internal bool Matches(IncomingMessage message)
    {
        var properties = message.Properties;
        if (!(Equal(CorrelationId, properties?.GetCorrelationId()) && Equal(MessageId, properties?.GetMessageId())
            && Equal(To, properties?.To) && Equal(ReplyTo, properties?.ReplyTo) && Equal(Label, properties?.Subject)
            && Equal(SessionId, properties?.GroupId) && Equal(ReplyToSessionId, properties?.ReplyToGroupId)
            && Equal(ContentType, properties?.ContentType?.ToString())))
            return false;
        foreach (var (name, value) in Properties)
        {
            if (!Equal(value, message.ApplicationProperties?.Map[name])) return false;
        }

        return true;
    }

    private static bool Equal(string? expected, object? actual) =>
        expected is null || (actual is not null && string.Equals(expected, Convert.ToString(actual, System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
}
