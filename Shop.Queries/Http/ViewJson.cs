using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Shop.Contracts.Views;

namespace Shop.Queries.Http;

/// <summary>The JSON form of the answers: money with its two decimals, instants in UTC without zeros nobody wrote.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(MoneyConverter), typeof(InstantConverter)])]
[JsonSerializable(typeof(OrderDocument))]
[JsonSerializable(typeof(OrderPage))]
[JsonSerializable(typeof(CustomerSummary))]
[JsonSerializable(typeof(BestSellers))]
[JsonSerializable(typeof(CustomerMatches))]
[JsonSerializable(typeof(ProductMatches))]
internal sealed partial class ViewJson : JsonSerializerContext;

/// <summary>46 and 46.0 are written as 46.00; a third decimal, should there ever be one, is kept.</summary>
internal sealed class MoneyConverter : JsonConverter<decimal>
{
    private const decimal TwoDecimals = 0.00m;

    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDecimal();

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) => writer.WriteNumberValue(WithDecimals(value));

    // Adding a zero of scale two raises a smaller scale and leaves a larger one.
    public static decimal WithDecimals(decimal value) => value + TwoDecimals;
}

/// <summary><c>2023-10-27T10:00:00Z</c>, with milliseconds only when there are any.</summary>
internal sealed class InstantConverter : JsonConverter<DateTimeOffset>
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";
    private const int MaxLength = 28;

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => Write(writer, value);

    public static void Write(Utf8JsonWriter writer, DateTimeOffset value)
    {
        Span<byte> text = stackalloc byte[MaxLength];
        value.UtcDateTime.TryFormat(text, out var length, Format, CultureInfo.InvariantCulture);
        writer.WriteStringValue(text[..length]);
    }
}
