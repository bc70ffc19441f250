using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Amqp;
using Amqp.Framing;
using Amqp.Types;
using AmqpData = Amqp.Framing.Data;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>
/// CloudEvents as AMQP messages in binary mode:
/// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md
/// </summary>
internal static class CloudEventMessage
{
    /// <summary>Bodies above this many bytes travel compressed.</summary>
    public const int CompressAbove = 32 * 1024;

    private const string Prefix = "cloudEvents:";
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";
    private static readonly Symbol json = new("application/json");
    private static readonly Symbol gzip = new("gzip");

    public static Message Create(CloudEvent cloudEvent)
    {
        var compress = cloudEvent.Data.Length > CompressAbove;
        var attributes = new ApplicationProperties
        {
            [Prefix + "specversion"] = "1.0",
            [Prefix + "id"] = cloudEvent.Id.ToString(),
            [Prefix + "source"] = cloudEvent.Source,
            [Prefix + "type"] = cloudEvent.Type,
            [Prefix + "subject"] = cloudEvent.Subject,
            [Prefix + "time"] = cloudEvent.Time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture),
        };
        if (cloudEvent.TraceParent is { } traceParent) attributes[Prefix + "traceparent"] = traceParent;
        var properties = new Properties { MessageId = cloudEvent.Id.ToString(), GroupId = cloudEvent.GroupKey, ContentType = json };
        if (compress) properties.ContentEncoding = gzip;
        return new Message
        {
            Header = new Header { Durable = true },
            Properties = properties,
            ApplicationProperties = attributes,
            BodySection = new AmqpData { Binary = compress ? Compress(cloudEvent.Data) : ToArray(cloudEvent.Data) },
        };
    }

    /// <summary>An upper bound of the encoded size in bytes; every string is ASCII or counted at its worst.</summary>
    public static int SizeBound(Message message)
    {
        const int sectionsAndNames = 512;
        var strings = message.ApplicationProperties.Map.Sum(pair => ((string)pair.Value).Length) + message.Properties.GroupId.Length + 36;
        return sectionsAndNames + (3 * strings) + ((AmqpData)message.BodySection).Binary.Length;
    }

    /// <summary>The attributes of a message, and what keeps it from being an event (null when nothing does).</summary>
    public static (CloudEvent Event, string? Error) ReadAttributes(Message message)
    {
        string? error = null;
        var version = Attribute(message, "specversion");
        if (version != "1.0") error = $"cloudEvents:specversion is {Quote(version)}, not 1.0";
        var idText = Attribute(message, "id") ?? message.Properties?.GetMessageId()?.ToString();
        if (!Guid.TryParse(idText, out var id)) error ??= $"cloudEvents:id is {Quote(idText)}, not a UUID";
        var type = Attribute(message, "type");
        if (string.IsNullOrEmpty(type)) error ??= "cloudEvents:type is missing";
        var source = Attribute(message, "source");
        if (string.IsNullOrEmpty(source)) error ??= "cloudEvents:source is missing";
        if (!TryReadTime(message, out var time)) error ??= $"cloudEvents:time is {Quote(Attribute(message, "time"))}, not a time";
        var attributes = new CloudEvent(
            id, source ?? "", type ?? "", Attribute(message, "subject") ?? "", time, Attribute(message, "traceparent"), GroupId(message), default);
        return (attributes, error);
    }

    /// <summary>The body, decompressed; never more than <paramref name="limit"/> bytes are produced.</summary>
    public static (ReadOnlyMemory<byte> Data, string? Error) ReadData(Message message, int limit)
    {
        var body = message.BodySection switch
        {
            AmqpData { Binary: { } binary } => binary,
            DataList list => Concatenate(list),
            _ => null,
        };
        if (body is null) return (default, "the body is not an AMQP data section");
        var encoding = message.Properties?.ContentEncoding?.ToString();
        if (string.IsNullOrEmpty(encoding) || encoding == "identity")
            return body.Length <= limit ? (body, null) : (default, $"the body is {body.Length} bytes, more than {limit}");
        return encoding == "gzip" ? Decompress(body, limit) : (default, $"content-encoding {Quote(encoding)} is unknown");
    }

    public static string? ApplicationProperty(Message message, string name) => message.ApplicationProperties?.Map.TryGetValue(name, out var value) == true
        ? value as string
        : null;

    private static string? Attribute(Message message, string name)
    {
        // The binding allows both separators; JMS-like clients cannot write a colon.
        if (message.ApplicationProperties?.Map is not { } map) return null;
        return map.TryGetValue(Prefix + name, out var value) || map.TryGetValue("cloudEvents_" + name, out value)
            ? value as string ?? Convert.ToString(value, CultureInfo.InvariantCulture)
            : null;
    }

    private static bool TryReadTime(Message message, out DateTimeOffset time)
    {
        time = default;
        if (message.ApplicationProperties?.Map is not { } map
            || (!map.TryGetValue(Prefix + "time", out var value) && !map.TryGetValue("cloudEvents_time", out value))) return true;
        if (value is DateTime timestamp)
        {
            time = new(DateTime.SpecifyKind(timestamp, DateTimeKind.Utc));
            return true;
        }

        return DateTimeOffset.TryParse(
            value as string, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }

    private static string GroupId(Message message) => message.Properties?.GroupId ?? "";

    // A broken message may hold anything: what is quoted into reasons and logs is short.
    private static string Quote(string? text) => text is null ? "missing" : $"'{(text.Length > 64 ? text[..64] : text)}'";

    private static byte[] ToArray(ReadOnlyMemory<byte> data) =>
        MemoryMarshal.TryGetArray(data, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length ? segment.Array : data.ToArray();

    private static byte[] Concatenate(DataList list)
    {
        var writer = new ArrayBufferWriter<byte>();
        for (var index = 0; index < list.Count; index++) writer.Write(list[index].Binary);
        return writer.WrittenSpan.ToArray();
    }

    private static byte[] Compress(ReadOnlyMemory<byte> data)
    {
        using var target = new MemoryStream(data.Length / 4);
        using (var compressor = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true)) compressor.Write(data.Span);
        return target.ToArray();
    }

    private static (ReadOnlyMemory<byte> Data, string? Error) Decompress(byte[] body, int limit)
    {
        using var source = new GZipStream(new MemoryStream(body), CompressionMode.Decompress);
        var target = new ArrayBufferWriter<byte>(Math.Min(limit, Math.Max(256, body.Length * 4)));
        try
        {
            while (true)
            {
                var read = source.Read(target.GetSpan(4096));
                if (read == 0) return (target.WrittenMemory, null);
                target.Advance(read);
                if (target.WrittenCount > limit) return (default, $"the body is more than {limit} bytes once decompressed");
            }
        }
        catch (InvalidDataException)
        {
            return (default, "the body is not gzip, though content-encoding says so");
        }
    }
}
