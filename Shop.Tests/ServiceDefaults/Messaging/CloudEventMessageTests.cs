using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Amqp;
using Amqp.Framing;
using Amqp.Types;
using CsCheck;
using Shop.ServiceDefaults.Messaging;
using Shop.ServiceDefaults.Messaging.Transport;
using AmqpData = Amqp.Framing.Data;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class CloudEventMessageTests
{
    private const int Limit = 1024 * 1024;

    private static readonly Gen<CloudEvent> events = Gen.Select(
        Gen.Guid, Gen.String[Gen.Char.AlphaNumeric, 1, 64], Gen.DateTime, Gen.Bool, Gen.Byte.Array[0, 100_000],
        (id, name, time, traced, data) => new CloudEvent(
            id, "/shop/commands", "shop.order.placed.v1", "order/" + name, new(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
            traced ? "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" : null, "order/" + name, data));

    [Fact]
    public void An_event_comes_off_the_wire_as_it_went_on()
    {
        events.Sample(
            sent =>
            {
                var message = OverTheWire(CloudEventMessage.Create(sent));
                var (received, error) = CloudEventMessage.ReadAttributes(message);
                var (data, dataError) = CloudEventMessage.ReadData(message, Limit);
                return error is null && dataError is null && received with { Data = sent.Data } == sent && data.Span.SequenceEqual(sent.Data.Span);
            },
            iter: 200);
    }

    [Fact]
    public void The_message_follows_the_binary_mode_of_the_AMQP_binding()
    {
        var sent = Event("""{"orderId":"ORD1"}""");
        var message = OverTheWire(CloudEventMessage.Create(sent));

        Assert.Equal(sent.Id.ToString(), message.Properties.MessageId);
        Assert.Equal("order/ORD1", message.Properties.GroupId);
        Assert.Equal("application/json", message.Properties.ContentType.ToString());
        Assert.Null(message.Properties.ContentEncoding);
        Assert.True(message.Header.Durable);
        Assert.Equal("1.0", message.ApplicationProperties["cloudEvents:specversion"]);
        Assert.Equal("shop.order.placed.v1", message.ApplicationProperties["cloudEvents:type"]);
        Assert.Equal("2023-10-27T10:00:00.0000000Z", message.ApplicationProperties["cloudEvents:time"]);
        Assert.Equal("""{"orderId":"ORD1"}""", Encoding.UTF8.GetString(((AmqpData)message.BodySection).Binary));
    }

    [Theory]
    [InlineData(CloudEventMessage.CompressAbove, null)]
    [InlineData(CloudEventMessage.CompressAbove + 1, "gzip")]
    public void Only_a_body_above_32_KB_is_compressed(int length, string? encoding)
    {
        var message = CloudEventMessage.Create(Event(new string('x', length)));

        Assert.Equal(encoding, message.Properties.ContentEncoding?.ToString());
        Assert.Equal(encoding is null, ((AmqpData)message.BodySection).Binary.Length == length);
    }

    [Fact]
    public void The_size_bound_is_never_below_the_encoded_size() =>
        events.Sample(sent => CloudEventMessage.Create(sent) is var message && CloudEventMessage.SizeBound(message) >= message.Encode().Length, iter: 200);

    [Fact]
    public void A_decompression_bomb_stops_at_the_limit()
    {
        var message = CloudEventMessage.Create(Event(new string('x', Limit + 1)));
        Assert.True(((AmqpData)message.BodySection).Binary.Length < 16 * 1024);

        var (data, error) = CloudEventMessage.ReadData(message, Limit);

        Assert.Equal(0, data.Length);
        Assert.Contains("more than 1048576 bytes", error, StringComparison.Ordinal);
        Assert.Null(CloudEventMessage.ReadData(message, Limit + 1).Error);
    }

    [Fact]
    public void What_is_not_a_CloudEvent_is_named_not_thrown()
    {
        (string Fault, Action<Message> Break)[] faults =
        [
            ("specversion", message => message.ApplicationProperties = null),
            ("specversion", message => message.ApplicationProperties["cloudEvents:specversion"] = "2.0"),
            ("id", message => message.ApplicationProperties["cloudEvents:id"] = "42"),
            ("type", message => message.ApplicationProperties.Map.Remove("cloudEvents:type")),
            ("source", message => message.ApplicationProperties["cloudEvents:source"] = ""),
            ("time", message => message.ApplicationProperties["cloudEvents:time"] = "yesterday"),
            ("time", message => message.ApplicationProperties["cloudEvents:time"] = 12),
            ("body", message => message.BodySection = new AmqpValue { Value = "text" }),
            ("content-encoding", message => message.Properties.ContentEncoding = new Symbol("br")),
            ("gzip", message => message.Properties.ContentEncoding = new Symbol("gzip")),
        ];
        foreach (var (fault, breakIt) in faults)
        {
            var message = CloudEventMessage.Create(Event("{}"));
            breakIt(message);
            message = OverTheWire(message);

            var error = CloudEventMessage.ReadAttributes(message).Error ?? CloudEventMessage.ReadData(message, Limit).Error;

            Assert.Contains(fault, error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Other_producers_may_write_a_timestamp_and_an_underscore()
    {
        var time = new DateTime(2023, 10, 27, 10, 0, 0, DateTimeKind.Utc);
        var body = new DataList();
        body.Add(new AmqpData { Binary = "{\"a\":"u8.ToArray() });
        body.Add(new AmqpData { Binary = "1}"u8.ToArray() });
        var message = OverTheWire(new Message
        {
            ApplicationProperties = new()
            {
                ["cloudEvents_specversion"] = "1.0",
                ["cloudEvents_id"] = Guid.CreateVersion7().ToString(),
                ["cloudEvents_source"] = "/elsewhere",
                ["cloudEvents_type"] = "shop.order.placed.v1",
                ["cloudEvents_time"] = time,
            },
            BodySection = body,
        });

        var (received, error) = CloudEventMessage.ReadAttributes(message);

        Assert.Null(error);
        Assert.Equal(time, received.Time.UtcDateTime);
        Assert.Equal("{\"a\":1}", Encoding.UTF8.GetString(CloudEventMessage.ReadData(message, Limit).Data.Span));
    }

    [Fact]
    public void A_cut_off_body_is_an_error_or_shorter_but_never_an_exception()
    {
        var whole = new MemoryStream();
        using (var gzip = new GZipStream(whole, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(RandomNumberGenerator.GetBytes(4000));
        for (var length = 0; length < whole.Length; length += 97)
        {
            var message = CloudEventMessage.Create(Event("{}"));
            message.Properties.ContentEncoding = new Symbol("gzip");
            message.BodySection = new AmqpData { Binary = whole.ToArray()[..length] };

            var (data, error) = CloudEventMessage.ReadData(message, Limit);

            Assert.True(error is not null || data.Length < 4000);
        }
    }

    private static CloudEvent Event(string json) => new(
        Guid.CreateVersion7(), "/shop/commands", "shop.order.placed.v1", "order/ORD1", new(2023, 10, 27, 10, 0, 0, TimeSpan.Zero), null, "order/ORD1",
        Encoding.UTF8.GetBytes(json));

    private static Message OverTheWire(Message message)
    {
        var encoded = message.Encode();
        return Message.Decode(new ByteBuffer(encoded.Buffer, encoded.Offset, encoded.Length, encoded.Length));
    }
}
