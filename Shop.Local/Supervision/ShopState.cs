using System.Text.Json.Serialization;

namespace Shop.Local.Supervision;

/// <summary>What a running shop says about itself in its directory (<c>shop.json</c>, readable by its owner only).</summary>
/// <param name="RunnerProcessId">Stop this one (SIGTERM) to stop the shop.</param>
/// <param name="PortBase">See <see cref="ShopPorts"/>.</param>
/// <param name="IsReady">True once all parts were up.</param>
/// <param name="Parts">The parts, in the order they are started.</param>
public sealed record ShopState(int RunnerProcessId, int PortBase, bool IsReady, IReadOnlyList<PartStatus> Parts);

[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ShopState))]
internal sealed partial class ShopStateJson : JsonSerializerContext;
