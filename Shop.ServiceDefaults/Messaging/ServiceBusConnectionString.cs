using System.Globalization;

namespace Shop.ServiceDefaults.Messaging;

public enum BusDialect
{
    /// <summary>Azure Service Bus, its emulator or the local broker: <c>$cbs</c>, <c>$management</c>, batches, <c>modified</c>.</summary>
    ServiceBus,

    /// <summary>RabbitMQ with its AMQP 1.0 plugin: SASL PLAIN, no batches, <c>modified</c> would end the session.</summary>
    RabbitMq,
}

/// <summary>
/// Where the bus is and how to get in. Three forms are understood:
/// <c>Endpoint=sb://host[:port];SharedAccessKeyName=...;SharedAccessKey=...;[EntityPath=...;][UseDevelopmentEmulator=true;]</c>,
/// a bare fully qualified namespace (<c>name.servicebus.windows.net</c>: an Entra ID token is used), and
/// <c>amqp[s]://user:password@host[:port]</c> for RabbitMQ.
/// </summary>
public sealed record ServiceBusConnectionString
{
    public const int PlainPort = 5672;
    public const int TlsPort = 5671;

    public required string Host { get; init; }
    public required int Port { get; init; }
    public required bool UseTls { get; init; }
    public bool UseDevelopmentEmulator { get; init; }
    public BusDialect Dialect { get; init; }

    /// <summary>Name of the key, or the user name for RabbitMQ; null means a token credential (or nothing, at an emulator).</summary>
    public string? SharedAccessKeyName { get; init; }

    /// <summary>The secret. <see cref="ToString"/> leaves it out, and so must every log.</summary>
    public string? SharedAccessKey { get; init; }

    /// <summary><c>topic</c> or <c>topic/Subscriptions/name</c>: overrides the names that a service asks for.</summary>
    public string? EntityPath { get; init; }

    public string? Topic => EntityPath?.Split('/')[0];

    public string? Subscription =>
        EntityPath?.Split('/') is [_, var collection, var name, ..] && collection.Equals("subscriptions", StringComparison.OrdinalIgnoreCase)
            ? name
            : null;

    /// <exception cref="FormatException">Says what is missing or wrong; never contains the key.</exception>
    public static ServiceBusConnectionString Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        if (text.Length == 0)
            throw new FormatException("The Service Bus connection string is empty.");
        if (text.StartsWith("amqp://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("amqps://", StringComparison.OrdinalIgnoreCase))
            return ParseRabbitMq(text);
        return text.Contains('=', StringComparison.Ordinal) ? ParsePairs(text) : ParseNamespace(text);
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(UseTls ? "amqps" : "amqp")}://{Host}:{Port}{(EntityPath is null ? "" : "/" + EntityPath)}");

    private static ServiceBusConnectionString ParsePairs(string text)
    {
        Dictionary<string, string> pairs = new(StringComparer.OrdinalIgnoreCase);
        foreach (var part in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            // The first '=' ends the name: keys are base64 and may end in '='.
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw new FormatException("The Service Bus connection string has a part that is not NAME=VALUE.");
            pairs[part[..equals].Trim()] = part[(equals + 1)..].Trim();
        }

        var endpoint = ParseEndpoint(Value(pairs, "Endpoint")
            ?? throw new FormatException("The Service Bus connection string has no Endpoint=sb://HOST."));
        var emulator = ParseFlag(Value(pairs, "UseDevelopmentEmulator"));
        var (keyName, key) = (Value(pairs, "SharedAccessKeyName"), Value(pairs, "SharedAccessKey"));
        if (keyName is null != key is null)
            throw new FormatException("The Service Bus connection string needs SharedAccessKeyName and SharedAccessKey together.");
        if (key is null && !emulator)
            throw new FormatException("The Service Bus connection string has no SharedAccessKey; for a token credential give the bare namespace instead.");
        return new()
        {
            Host = endpoint.Host,
            Port = endpoint.IsDefaultPort ? emulator ? PlainPort : TlsPort : endpoint.Port,
            UseTls = !emulator,
            UseDevelopmentEmulator = emulator,
            SharedAccessKeyName = keyName,
            SharedAccessKey = key,
            EntityPath = Value(pairs, "EntityPath")?.Trim('/'),
        };
    }

    private static ServiceBusConnectionString ParseNamespace(string text)
    {
        var endpoint = ParseEndpoint(text.Contains("://", StringComparison.Ordinal) ? text : "sb://" + text);
        return new() { Host = endpoint.Host, Port = endpoint.IsDefaultPort ? TlsPort : endpoint.Port, UseTls = true };
    }

    private static ServiceBusConnectionString ParseRabbitMq(string text)
    {
        // A FormatException must not repeat the text: it holds the password.
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
            throw new FormatException("The bus URI is not amqp[s]://USER:PASSWORD@HOST[:PORT].");
        if (uri.UserInfo.Split(':', 2) is not [{ Length: > 0 } user, { Length: > 0 } password])
            throw new FormatException("The bus URI has no USER:PASSWORD@.");
        var tls = uri.Scheme.Equals("amqps", StringComparison.OrdinalIgnoreCase);
        return new()
        {
            Host = uri.Host,
            Port = uri.IsDefaultPort ? tls ? TlsPort : PlainPort : uri.Port,
            UseTls = tls,
            Dialect = BusDialect.RabbitMq,
            SharedAccessKeyName = Uri.UnescapeDataString(user),
            SharedAccessKey = Uri.UnescapeDataString(password),
        };
    }

    private static Uri ParseEndpoint(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "sb" or "amqp" or "amqps" or "https" && uri is { Host.Length: > 0, UserInfo: "" }
            ? uri.Scheme == "https" ? new UriBuilder(uri) { Scheme = "sb", Port = uri.IsDefaultPort ? -1 : uri.Port }.Uri : uri
            : throw new FormatException("The Service Bus endpoint is not sb://HOST[:PORT].");

    private static bool ParseFlag(string? text) => text is not null
        && (bool.TryParse(text, out var flag) ? flag : throw new FormatException("UseDevelopmentEmulator is neither true nor false."));

    private static string? Value(Dictionary<string, string> pairs, string name) =>
        pairs.TryGetValue(name, out var value) && value.Length > 0 ? value : null;
}
