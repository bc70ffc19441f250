namespace Shop.Commands.Intake;

/// <summary>What is malformed in a command: messages by the field's path, like <c>items[2].quantity</c>.</summary>
internal sealed class FieldErrors
{
    // A thousand broken lines would make an answer larger than the question.
    private const int MaxFields = 100;
    private readonly Dictionary<string, List<string>> messages = new(StringComparer.Ordinal);

    public bool Any => messages.Count > 0;

    public void Add(string field, string message)
    {
        if (messages.TryGetValue(field, out var list)) list.Add(message);
        else if (messages.Count < MaxFields) messages.Add(field, [message]);
    }

    public Dictionary<string, string[]> ToDictionary() => messages.ToDictionary(entry => entry.Key, entry => entry.Value.ToArray());
}
