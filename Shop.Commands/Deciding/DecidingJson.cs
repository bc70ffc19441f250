using System.Text.Json.Serialization;

namespace Shop.Commands.Deciding;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LoggedResult))]
internal sealed partial class DecidingJson : JsonSerializerContext;
