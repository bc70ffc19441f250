using Google.Protobuf;

namespace Shop.Tests.Observability;

internal sealed record ReceivedSpan(
    string Service, string Scope, string TraceId, string SpanId, string ParentSpanId, string Name, int Kind, IReadOnlyDictionary<string, string> Attributes,
    IReadOnlyList<string> LinkedTraceIds);

internal sealed record ReceivedMetric(string Service, string Scope, string Name, string Unit, string Description);

internal sealed record ReceivedLog(string Service, string Scope, string TraceId, string SpanId, string Severity);

/// <summary>The few fields of OTLP's messages that tests look at; numbers as in opentelemetry-proto v1.</summary>
internal static class OtlpMessages
{
    public static List<ReceivedSpan> Spans(ProtobufMessage request) =>
    [
        .. from part in Parts(request)
           select new ReceivedSpan(part.Service, part.Scope, part.Item.Hex(1), part.Item.Hex(2), part.Item.Hex(4), part.Item.Text(5), (int)part.Item.Number(6),
               Attributes(part.Item, 9), [.. part.Item.Messages(13).Select(link => link.Hex(1))]),
    ];

    public static List<ReceivedMetric> Metrics(ProtobufMessage request) =>
        [.. Parts(request).Select(part => new ReceivedMetric(part.Service, part.Scope, part.Item.Text(1), part.Item.Text(3), part.Item.Text(2)))];

    public static List<ReceivedLog> Logs(ProtobufMessage request) =>
        [.. Parts(request).Select(part => new ReceivedLog(part.Service, part.Scope, part.Item.Hex(9), part.Item.Hex(10), part.Item.Text(3)))];

    // All three kinds nest alike: resources (1) with scopes (2) with items (2).
    private static IEnumerable<(string Service, string Scope, ProtobufMessage Item)> Parts(ProtobufMessage request) =>
        from ofResource in request.Messages(1)
        let service = Attributes(ofResource.Messages(1).Single(), 1).GetValueOrDefault("service.name", "")
        from ofScope in ofResource.Messages(2)
        let scope = ofScope.Messages(1).Single().Text(1)
        from item in ofScope.Messages(2)
        select (service, scope, item);

    private static Dictionary<string, string> Attributes(ProtobufMessage owner, int field)
    {
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var attribute in owner.Messages(field))
        {
            var value = attribute.Messages(2).Single();
            attributes[attribute.Text(1)] = value.Has(1) ? value.Text(1) : value.Has(3) ? $"{value.Number(3)}" : value.Has(2) ? $"{value.Number(2) != 0}" : "";
        }

        return attributes;
    }
}

/// <summary>A protobuf message without its schema: the fields by number.</summary>
internal sealed class ProtobufMessage
{
    private readonly ILookup<int, object> fields;

    private ProtobufMessage(List<(int Field, object Value)> read) => fields = read.ToLookup(field => field.Field, field => field.Value);

    public static ProtobufMessage Parse(byte[] bytes)
    {
        using var input = new CodedInputStream(bytes);
        List<(int, object)> read = [];
        while (input.ReadTag() is var tag and not 0)
        {
            var field = WireFormat.GetTagFieldNumber(tag);
            read.Add((field, WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => input.ReadUInt64(),
                WireFormat.WireType.Fixed64 => input.ReadFixed64(),
                WireFormat.WireType.Fixed32 => (ulong)input.ReadFixed32(),
                WireFormat.WireType.LengthDelimited => input.ReadBytes().ToByteArray(),
                var other => throw new InvalidDataException($"Wire type {other} is not used by OTLP."),
            }));
        }

        return new(read);
    }

    public bool Has(int field) => fields.Contains(field);

    public ulong Number(int field) => (ulong)(fields[field].LastOrDefault() ?? 0UL);

    public string Text(int field) => System.Text.Encoding.UTF8.GetString(Bytes(field));

    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field));

    public IEnumerable<ProtobufMessage> Messages(int field) => fields[field].Select(bytes => Parse((byte[])bytes));

    private byte[] Bytes(int field) => (byte[])(fields[field].LastOrDefault() ?? Array.Empty<byte>());
}
