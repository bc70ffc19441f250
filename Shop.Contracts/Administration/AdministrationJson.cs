using System.Text.Json.Serialization;

namespace Shop.Contracts.Administration;

/// <summary>The JSON of the administration ports.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DeadLetterList))]
[JsonSerializable(typeof(DeadLetterContent))]
[JsonSerializable(typeof(DeadLetterOutcome))]
[JsonSerializable(typeof(ParkedEvent[]))]
[JsonSerializable(typeof(List<ParkedEvent>))]
[JsonSerializable(typeof(ParkedReplay))]
[JsonSerializable(typeof(SnapshotTotals))]
[JsonSerializable(typeof(RebuildStatus))]
[JsonSerializable(typeof(VerificationLine))]
[JsonSerializable(typeof(string[]))]
public sealed partial class AdministrationJson : JsonSerializerContext;
