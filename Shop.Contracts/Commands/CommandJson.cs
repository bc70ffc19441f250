using System.Text.Json.Serialization;

namespace Shop.Contracts.Commands;

/// <summary>The JSON form of commands and their answers.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Command))]
[JsonSerializable(typeof(CommandResult))]
[JsonSerializable(typeof(BatchLineResult))]
[JsonSerializable(typeof(ProblemBody))]
public sealed partial class CommandJson : JsonSerializerContext;
