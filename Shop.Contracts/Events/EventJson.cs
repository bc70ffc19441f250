using System.Text.Json.Serialization;

namespace Shop.Contracts.Events;

/// <summary>The JSON form of event bodies; readers ignore properties they do not know, so a newer writer does not break them.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(OrderState))]
[JsonSerializable(typeof(CustomerState))]
[JsonSerializable(typeof(ProductState))]
public sealed partial class EventJson : JsonSerializerContext;
