using System.Globalization;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;

namespace Shop.Projector.Rebuild;

/// <summary>In which fields a document is not what the write side's state makes of it; null when it is.</summary>
internal static class Explain
{
    public static string? Customer(CustomerState state, CustomerDocument document) => Fields(
        ("version", document.Version, state.Version), ("name", document.Name, state.Name), ("nameVersion", document.NameVersion, state.NameVersion),
        ("search", Text(document.Search), Text(SearchKeys.Of(state.CustomerId, state.Name))));

    public static string? Product(ProductState state, ProductDocument document) => Fields(
        ("version", document.Version, state.Version), ("name", document.Name, state.Name), ("nameVersion", document.NameVersion, state.NameVersion),
        ("price", document.Price, state.Price), ("discontinued", document.Discontinued, state.Discontinued),
        ("search", Text(document.Search), Text(SearchKeys.Of(state.ProductId, state.Name))));

    public static string? Order(OrderState state, OrderDocument document)
    {
        var expected = Documents.Order(state, document.ProjectedAt);
        return Fields(
            ("version", document.Version, expected.Version), ("status", document.Status, expected.Status),
            ("customerId", document.CustomerId, expected.CustomerId), ("customerName", document.CustomerName, expected.CustomerName),
            ("customerVersion", document.CustomerVersion, expected.CustomerVersion), ("totalAmount", document.TotalAmount, expected.TotalAmount),
            ("orderDate", Stored(document.OrderDate), Stored(expected.OrderDate)), ("paidAt", Stored(document.PaidAt), Stored(expected.PaidAt)),
            ("shippedAt", Stored(document.ShippedAt), Stored(expected.ShippedAt)), ("cancelledAt", Stored(document.CancelledAt), Stored(expected.CancelledAt)),
            ("lines", document.Items.Count, expected.Items.Count))
            ?? document.Items.Zip(expected.Items).Select((lines, index) => Line(index, lines.First, lines.Second)).FirstOrDefault(found => found is not null);
    }

    public static string? Fields(params ReadOnlySpan<(string Name, object? Is, object? ShouldBe)> fields)
    {
        List<string>? wrong = null;
        foreach (var (name, actual, expected) in fields)
            if (!Equals(actual, expected)) (wrong ??= []).Add($"{name} is {Text(actual)}, should be {Text(expected)}");
        return wrong is null ? null : string.Join("; ", wrong);
    }

    private static string? Line(int index, OrderDocumentLine line, OrderDocumentLine expected) => Fields(
        ($"items[{index}].productId", line.ProductId, expected.ProductId), ($"items[{index}].productName", line.ProductName, expected.ProductName),
        ($"items[{index}].productVersion", line.ProductVersion, expected.ProductVersion), ($"items[{index}].quantity", line.Quantity, expected.Quantity),
        ($"items[{index}].price", line.Price, expected.Price));

    // The store keeps milliseconds.
    private static DateTimeOffset? Stored(DateTimeOffset? instant) =>
        instant is { } given ? DateTimeOffset.FromUnixTimeMilliseconds(given.ToUnixTimeMilliseconds()) : null;

    private static string? Text(IReadOnlyList<string>? keys) => keys is null ? null : string.Join(", ", keys);

    private static string Text(object? value) => value switch
    {
        null => "absent",
        DateTimeOffset instant => instant.ToString("O", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
