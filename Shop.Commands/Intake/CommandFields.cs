using System.Globalization;
using System.Text.Json;

namespace Shop.Commands.Intake;

/// <summary>Reads the properties of one JSON object, collecting every error instead of stopping at the first.</summary>
internal sealed class CommandFields
{
    private const int MaxNumberLength = 24;
    private const decimal MaxPrice = 9_999_999_999.99m;
    private const int MaxQuantity = 1_000_000;
    private static readonly DateTimeOffset EarliestTime = new(1900, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset LatestTime = new(3000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly string path;
    private readonly FieldErrors errors;
    private readonly List<JsonProperty> properties = new(8);
    private readonly List<string> known = new(8);

    public CommandFields(JsonElement json, string path, FieldErrors errors)
    {
        this.path = path;
        this.errors = errors;
        foreach (var property in json.EnumerateObject()) properties.Add(property);
    }

    /// <summary>The property <c>type</c>; null, with an error, when there is none.</summary>
    public string? Discriminator() => Text("type", out var value) ? value : null;

    public string Identifier(string name)
    {
        if (!Text(name, out var value)) return "";
        CheckIdentifier(name, value);
        return value;
    }

    public string? OptionalIdentifier(string name)
    {
        known.Add(name);
        return IsMissing(name) ? null : Identifier(name);
    }

    /// <summary>1-200 characters, none of them a control character, not only white space.</summary>
    public string Name(string name)
    {
        if (!Text(name, out var value)) return "";
        if (string.IsNullOrWhiteSpace(value)) errors.Add(Path(name), "must not be empty");
        else if (value.Length > 200) errors.Add(Path(name), $"must be at most 200 characters long, is {value.Length}");
        else if (value.Any(char.IsControl)) errors.Add(Path(name), "must not contain control characters");
        return value;
    }

    public decimal Price(string name)
    {
        if (!Number(name, out var json)) return 0;
        if (json.GetRawText().Length > MaxNumberLength || !json.TryGetDecimal(out var value) || value > MaxPrice)
            errors.Add(Path(name), "must be at most 9999999999.99");
        else if (value < 0) errors.Add(Path(name), "must not be negative");
        else if (decimal.Round(value, 2) != value) errors.Add(Path(name), "must have at most two decimals");
        else return decimal.Round(value, 2) + 0.00m;
        return 0;
    }

    public int Quantity(string name)
    {
        if (!Number(name, out var json)) return 1;
        if (json.TryGetInt32(out var value) && value is >= 1 and <= MaxQuantity) return value;
        errors.Add(Path(name), "must be a whole number from 1 to 1000000");
        return 1;
    }

    /// <summary>ISO 8601 with an offset, cut to milliseconds, in UTC.</summary>
    public DateTimeOffset? OptionalTimestamp(string name)
    {
        known.Add(name);
        if (IsMissing(name) || !Text(name, out var value)) return null;
        if (!HasOffset(value) || !Find(name, out var json) || !json.TryGetDateTimeOffset(out var time) || time < EarliestTime || time >= LatestTime)
        {
            errors.Add(Path(name), "must be a date and time with an offset, like 2023-10-27T10:00:00Z, from 1900 to 2999");
            return null;
        }

        return DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());
    }

    /// <summary>The objects of an array of <paramref name="least"/> to <paramref name="most"/> items; what is no object is reported and left out.</summary>
    public IEnumerable<CommandFields> Objects(string name, int least, int most)
    {
        if (!Present(name, out var json)) yield break;
        if (json.ValueKind != JsonValueKind.Array)
        {
            errors.Add(Path(name), "must be an array");
            yield break;
        }

        var count = json.GetArrayLength();
        if (count < least || count > most)
        {
            errors.Add(Path(name), $"must have {least.ToString(CultureInfo.InvariantCulture)} to {most.ToString("N0", CultureInfo.InvariantCulture)} items, has {count.ToString("N0", CultureInfo.InvariantCulture)}");
            yield break;
        }

        var index = 0;
        foreach (var item in json.EnumerateArray())
        {
            var itemPath = $"{Path(name)}[{index++}]";
            if (item.ValueKind == JsonValueKind.Object) yield return new CommandFields(item, itemPath, errors);
            else errors.Add(itemPath, "must be an object");
        }
    }

    public void Error(string name, string message) => errors.Add(Path(name), message);

    /// <summary>
    /// Reports every property that no one has asked for, as a misspelt field must not be ignored silently, and what is given twice. Names become
    /// strings only where there is an error: this runs for every order and every line.
    /// </summary>
    public void RejectUnknown()
    {
        var given = 0;
        HashSet<string>? unknown = null;
        foreach (var property in properties)
        {
            var index = known.Count - 1;
            while (index >= 0 && !property.NameEquals(known[index])) index--;
            if (index < 0 && (unknown ??= new(StringComparer.Ordinal)).Add(property.Name)) errors.Add(Path(property.Name), "is not a field of this command");
            else if (index < 0 || (given & (1 << index)) != 0) errors.Add(Path(property.Name), "is given twice");
            if (index >= 0) given |= 1 << index;
        }
    }

    private void CheckIdentifier(string name, string value)
    {
        if (value.Length == 0) errors.Add(Path(name), "must not be empty");
        else if (value.Length > 64) errors.Add(Path(name), $"must be at most 64 characters long, is {value.Length}");
        else if (!Identifiers.IsValid(value)) errors.Add(Path(name), "must consist of A-Z a-z 0-9 . _ : -");
    }

    private bool Text(string name, out string value)
    {
        value = "";
        if (!Present(name, out var json)) return false;
        if (json.ValueKind != JsonValueKind.String)
        {
            errors.Add(Path(name), "must be a string");
            return false;
        }

        value = json.GetString()!;
        return true;
    }

    private bool Number(string name, out JsonElement json)
    {
        if (!Present(name, out json)) return false;
        if (json.ValueKind == JsonValueKind.Number) return true;
        errors.Add(Path(name), "must be a number");
        return false;
    }

    private bool Present(string name, out JsonElement json)
    {
        known.Add(name);
        if (Find(name, out json) && json.ValueKind != JsonValueKind.Null) return true;
        errors.Add(Path(name), "is missing");
        return false;
    }

    private bool IsMissing(string name) => !Find(name, out var json) || json.ValueKind == JsonValueKind.Null;

    // A command has few fields, and asks for each once: looking along them costs less than an index of them.
    private bool Find(string name, out JsonElement value)
    {
        foreach (var property in properties)
        {
            if (!property.NameEquals(name)) continue;
            value = property.Value;
            return true;
        }

        value = default;
        return false;
    }

    private static bool HasOffset(string value) =>
        value.EndsWith('Z') || (value.Length > 6 && value[^3] == ':' && value[^6] is '+' or '-');

    private string Path(string name) => path.Length == 0 ? name : $"{path}.{name}";
}
