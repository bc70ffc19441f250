using System.Buffers;
using System.Text;
using System.Text.Json;
using CsCheck;
using MongoDB.Bson;
using MongoDB.Bson.Serialization;
using Shop.Contracts.Views;
using Shop.Queries.Http;
using Shop.Queries.Orders;
using Shop.ServiceDefaults.Data;

namespace Shop.Tests.Queries;

/// <summary>The short way from stored bytes to an answer, against the long one through the document.</summary>
public sealed class OrderJsonTests
{
    private static readonly Gen<string> Text = Gen.OneOf("", "O1", "Zoë 🛒", "a \"quoted\" <b>&name</b>\\", "line\nbreak\u0001", "\uFFFF");
    private static readonly Gen<decimal> Money = Gen.OneOf(
        Gen.Int[0, 1_000_000].Select(cents => cents / 100m), Gen.Int[-5, 5].Select(whole => (decimal)whole), Gen.OneOf(46.5m, 0.125m, 999_999_999_999.99m, decimal.MaxValue, 0.000m));

    private static readonly Gen<DateTimeOffset> Instant = Gen.Long[-62_135_596_800_000, 253_402_300_799_999].Select(DateTimeOffset.FromUnixTimeMilliseconds);
    private static readonly Gen<DateTimeOffset?> Maybe = Gen.Select(Gen.Bool, Instant, (isThere, at) => isThere ? at : (DateTimeOffset?)null);
    private static readonly Gen<OrderDocumentLine> Line = Gen.Select(Text, Text, Gen.Int, Gen.Int, Money, (id, name, version, quantity, price) => new OrderDocumentLine(id, name, version, quantity, price));
    private static readonly Gen<OrderDocument> Order =
        from ids in Gen.Select(Text, Text, Text, Text)
        from versions in Gen.Select(Gen.Int, Gen.Int)
        from at in Gen.Select(Instant, Maybe, Maybe, Maybe)
        from total in Money
        from lines in Line.Array[0, 4]
        select new OrderDocument(ids.Item1, versions.Item1, ids.Item2, ids.Item3, versions.Item2, at.Item1, total, ids.Item4, at.Item2, at.Item3, at.Item4, lines);

    public OrderJsonTests() => ReadModelBson.Register();

    [Fact]
    public void Stored_bytes_give_the_same_answer_as_the_document_made_of_them() => Order.Sample(order =>
    {
        var stored = order.ToBson();
        var (json, version, nameVersions) = Write(stored)!.Value;
        Assert.Equal(JsonSerializer.Serialize(BsonSerializer.Deserialize<OrderDocument>(stored), ViewJson.Default.OrderDocument), json);
        Assert.Equal(order.Version, version);
        Assert.Equal([order.CustomerVersion, .. order.Items.Select(line => line.ProductVersion)], nameVersions);
        Assert.Equal(order.Id, OrderJson.IdOf(stored));
    });

    [Fact]
    public void Fields_of_a_newer_writer_are_skipped_whatever_their_type_and_place()
    {
        var order = new OrderDocument("O1", 3, "C1", "Alice", 2, DateTimeOffset.UnixEpoch, 46m, "Pending", null, null, null, [new("P1", "Widget", 1, 2, 10.50m)]);
        var known = order.ToBsonDocument();
        BsonValue[] others =
        [
            1.5, "text", new BsonDocument("a", 1), new BsonArray { 1, "b" }, new BsonBinaryData(Guid.Empty, GuidRepresentation.Standard), ObjectId.Empty, true,
            new BsonDateTime(0), BsonNull.Value, new BsonRegularExpression("a", "i"), new BsonJavaScript("x"), new BsonTimestamp(1), 7L, Decimal128.MaxValue,
            BsonMinKey.Value, BsonMaxKey.Value, new BsonJavaScriptWithScope("x", []), BsonUndefined.Value, (BsonSymbol)"s",
        ];
        var newer = new BsonDocument();
        foreach (var (element, number) in known.Elements.Reverse().Select((element, number) => (element, number)))
        {
            newer.Add($"newer{number}", others[number % others.Length]).Add(element);
            newer.Add($"more{number}", others[(number + known.ElementCount) % others.Length]);
        }

        var json = Write(newer.ToBson())!.Value.Json;
        Assert.True(JsonElement.DeepEquals(JsonSerializer.SerializeToElement(order, ViewJson.Default.OrderDocument), JsonDocument.Parse(json).RootElement), json);
    }

    [Fact]
    public void A_known_field_of_another_type_is_left_to_the_document() =>
        Assert.Null(Write(new BsonDocument { { "_id", "O1" }, { "version", 3L } }.ToBson()));

    private static (string Json, int Version, List<int> NameVersions)? Write(byte[] stored)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer);
        List<int> nameVersions = [];
        if (!OrderJson.TryWrite(writer, stored, nameVersions, out var version)) return null;
        writer.Flush();
        return (Encoding.UTF8.GetString(buffer.WrittenSpan), version, nameVersions);
    }
}
