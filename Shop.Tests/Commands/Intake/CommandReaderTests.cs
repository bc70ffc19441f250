using System.Text;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;

namespace Shop.Tests.Commands.Intake;

public sealed class CommandReaderTests
{
    [Fact]
    public void The_design_s_example_is_read_as_it_stands()
    {
        var command = Assert.IsType<PlaceOrder>(Read("""
            { "type": "PlaceOrder", "orderId": "ORD12345", "customerId": "CUST987",
              "items": [ {"productId": "PROD001", "quantity": 2, "price": 10.50}, {"productId": "PROD002", "quantity": 1, "price": 25.00} ],
              "timestamp": "2023-10-27T10:00:00Z" }
            """));
        Assert.Equal("ORD12345", command.OrderId);
        Assert.Equal("CUST987", command.CustomerId);
        Assert.Equal([new PlaceOrderLine("PROD001", 2, 10.50m), new PlaceOrderLine("PROD002", 1, 25m)], command.Items);
        Assert.Equal(new DateTimeOffset(2023, 10, 27, 10, 0, 0, TimeSpan.Zero), command.Timestamp);
    }

    [Fact]
    public void The_type_may_come_last() => Assert.IsType<PayOrder>(Read("""{ "orderId": "A", "type": "PayOrder" }"""));

    [Fact]
    public void A_timestamp_is_cut_to_milliseconds_and_turned_to_utc() =>
        Assert.Equal(new DateTimeOffset(2023, 10, 27, 8, 0, 0, 123, TimeSpan.Zero),
            Read("""{ "type": "PayOrder", "orderId": "A", "timestamp": "2023-10-27T10:00:00.1239999+02:00" }""").Timestamp);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"PlaceOrder\"")]
    [InlineData("{\"type\":\"PayOrder\",\"orderId\":\"A\"} {}")]
    public void What_is_no_json_object_is_an_error_of_the_whole(string json) => Assert.Contains("$", Errors(json).Keys);

    [Theory]
    [InlineData("""{ "orderId": "A" }""", "type", "is missing")]
    [InlineData("""{ "type": 5, "orderId": "A" }""", "type", "must be a string")]
    [InlineData("""{ "type": "", "orderId": "A" }""", "type", "is not a command")]
    [InlineData("""{ "type": "payOrder", "orderId": "A" }""", "type", "is not a command")]
    [InlineData("""{ "type": "PayOrder" }""", "orderId", "is missing")]
    [InlineData("""{ "type": "PayOrder", "orderId": null }""", "orderId", "is missing")]
    [InlineData("""{ "type": "PayOrder", "orderId": 7 }""", "orderId", "must be a string")]
    [InlineData("""{ "type": "PayOrder", "orderId": "" }""", "orderId", "must not be empty")]
    [InlineData("""{ "type": "PayOrder", "orderId": "a b" }""", "orderId", "must consist of")]
    [InlineData("""{ "type": "PayOrder", "orderId": "Ä" }""", "orderId", "must consist of")]
    [InlineData("""{ "type": "PayOrder", "orderId": "A", "orderId": "B" }""", "orderId", "is given twice")]
    [InlineData("""{ "type": "PayOrder", "orderId": "A", "ordreId": "B" }""", "ordreId", "is not a field")]
    [InlineData("""{ "type": "PayOrder", "orderId": "A", "commandId": "" }""", "commandId", "must not be empty")]
    [InlineData("""{ "type": "PayOrder", "orderId": "A", "timestamp": "yesterday" }""", "timestamp", "must be a date")]
    [InlineData("""{ "type": "PayOrder", "orderId": "A", "timestamp": "2023-10-27T10:00:00" }""", "timestamp", "must be a date")]
    [InlineData("""{ "type": "PayOrder", "orderId": "A", "timestamp": 1698400800 }""", "timestamp", "must be a string")]
    [InlineData("""{ "type": "AddProduct", "productId": "P", "name": "N", "price": -0.01 }""", "price", "negative")]
    [InlineData("""{ "type": "AddProduct", "productId": "P", "name": "N", "price": 0.001 }""", "price", "two decimals")]
    [InlineData("""{ "type": "AddProduct", "productId": "P", "name": "N", "price": 10000000000 }""", "price", "at most")]
    [InlineData("""{ "type": "AddProduct", "productId": "P", "name": "N", "price": 1e400 }""", "price", "at most")]
    [InlineData("""{ "type": "AddProduct", "productId": "P", "name": "N", "price": 1.000000000000000000000000000001 }""", "price", "at most")]
    [InlineData("""{ "type": "AddProduct", "productId": "P", "name": "N", "price": "1.00" }""", "price", "must be a number")]
    [InlineData("""{ "type": "AddProduct", "productId": "P", "name": "  ", "price": 1 }""", "name", "must not be empty")]
    [InlineData("""{ "type": "AddProduct", "productId": "P", "name": "a\u0000b", "price": 1 }""", "name", "control characters")]
    public void A_malformed_field_is_named_with_what_is_wrong(string json, string field, string message) =>
        Assert.Contains(Errors(json)[field], text => text.Contains(message, StringComparison.Ordinal));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("1000001")]
    [InlineData("99999999999999999999")]
    public void A_quantity_is_a_whole_number_from_one_to_a_million(string quantity) =>
        Assert.Equal(["must be a whole number from 1 to 1000000"], Errors(Order($$"""{"productId":"P","quantity":{{quantity}},"price":1}"""))["items[0].quantity"]);

    [Fact]
    public void A_product_is_on_one_line_only() =>
        Assert.Contains("items[1].productId", Errors(Order("""{"productId":"P","quantity":1,"price":1},{"productId":"P","quantity":2,"price":1}""")).Keys);

    [Fact]
    public void An_order_has_one_to_a_thousand_lines()
    {
        Assert.Contains("items", Errors(Order("")).Keys);
        Assert.Contains("items", Errors(Order(Lines(1_001))).Keys);
        Assert.Equal(1_000, Assert.IsType<PlaceOrder>(Read(Order(Lines(1_000)))).Items.Count);
    }

    [Fact]
    public void Every_error_is_reported_at_once()
    {
        var errors = Errors("""
            { "type": "PlaceOrder", "orderId": "", "items": [ {"quantity": 0, "price": 1.234, "size": 3}, 5 ], "timestamp": "x", "note": "" }
            """);
        Assert.Equal(
            ["customerId", "items[0].price", "items[0].productId", "items[0].quantity", "items[0].size", "items[1]", "note", "orderId", "timestamp"],
            errors.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_unpaired_surrogate_is_an_error_not_a_crash() =>
        Assert.NotEmpty(Errors("""{ "type": "RegisterCustomer", "customerId": "C", "name": "\ud800" }"""));

    private static Command Read(string json)
    {
        var (command, errors) = CommandReader.Read(Encoding.UTF8.GetBytes(json));
        Assert.Null(errors);
        return command!;
    }

    private static Dictionary<string, string[]> Errors(string json)
    {
        var (command, errors) = CommandReader.Read(Encoding.UTF8.GetBytes(json));
        Assert.Null(command);
        return errors!.ToDictionary();
    }

    private static string Order(string lines) => $$"""{ "type": "PlaceOrder", "orderId": "O", "customerId": "C", "items": [ {{lines}} ] }""";

    private static string Lines(int count) =>
        string.Join(',', Enumerable.Range(0, count).Select(index => $$"""{"productId":"P{{index}}","quantity":1,"price":1.00}"""));
}
