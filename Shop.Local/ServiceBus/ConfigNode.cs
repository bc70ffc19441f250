using System.Text.Json;

namespace Shop.Local.ServiceBus;

/// <summary>An object in a configuration file that knows its path, for messages a person can act on.</summary>
internal sealed class ConfigNode
{
    private readonly JsonElement element;

    public ConfigNode(JsonElement element, string path)
    {
        if (element.ValueKind is not JsonValueKind.Object) throw new BrokerStartException($"{(path.Length == 0 ? "The file" : path)} must be an object.");
        (this.element, Path) = (element, path);
    }

    public string Path { get; }

    /// <summary>Refuses every key that is not among these.</summary>
    public void Allow(params ReadOnlySpan<string> names)
    {
        foreach (var property in element.EnumerateObject())
        {
            if (!names.Contains(property.Name)) throw new BrokerStartException($"{Join(property.Name)} is not supported.");
        }
    }

    public void RefuseTrue(string name)
    {
        if (Flag(name) == true) throw new BrokerStartException($"{Join(name)} = true is not supported.");
    }

    public void RefuseText(string name)
    {
        if (!string.IsNullOrEmpty(Text(name))) throw new BrokerStartException($"{Join(name)} is not supported.");
    }

    public ConfigNode? Get(string name) => Find(name) is { } value ? new ConfigNode(value, Join(name)) : null;

    public IEnumerable<ConfigNode> Items(string name)
    {
        if (Find(name) is not { } list) yield break;
        if (list.ValueKind is not JsonValueKind.Array) throw new BrokerStartException($"{Join(name)} must be a list.");
        var index = 0;
        foreach (var item in list.EnumerateArray()) yield return new ConfigNode(item, $"{Join(name)}[{index++}]");
    }

    public string? Text(string name) => Find(name) is not { } value ? null
        : value.ValueKind is JsonValueKind.String ? value.GetString() : throw new BrokerStartException($"{Join(name)} must be a text.");

    public int? Number(string name) => Find(name) is not { } value ? null
        : value.ValueKind is JsonValueKind.Number && value.TryGetInt32(out var number) ? number
        : throw new BrokerStartException($"{Join(name)} must be a whole number.");

    public bool? Flag(string name) => Find(name)?.ValueKind switch
    {
        null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new BrokerStartException($"{Join(name)} must be true or false."),
    };

    public Dictionary<string, string> Texts() =>
        element.EnumerateObject().ToDictionary(property => property.Name, property => property.Value.ToString(), StringComparer.Ordinal);

    private JsonElement? Find(string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    private string Join(string name) => Path.Length == 0 ? name : $"{Path}.{name}";
}
